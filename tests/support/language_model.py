"""
Replace the language model by a function, to test the decisions of the backend.

``chat_server`` tests the HTTP requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.common.ai.hooks.pydantic_ai import PydanticAIHook
from pydantic_ai import BinaryContent, ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.messages import ModelRequest, UserPromptPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.usage import RequestUsage

from airflow_provider_classify.llm.backend import LlmBackend
from airflow_provider_classify.llm.settings import LlmSettings
from tests.support.chat_server import answer_text


@dataclass(frozen=True)
class Asked:
    """A request that the model got."""

    messages: list[ModelMessage]
    info: AgentInfo

    @property
    def instructions(self) -> str:
        return self.info.instructions or ""

    @property
    def parts(self) -> list[Any]:
        """The parts of the user's messages: texts and pictures."""
        found: list[Any] = []
        for message in self.messages:
            for part in message.parts if isinstance(message, ModelRequest) else ():
                if isinstance(part, UserPromptPart):
                    found += [part.content] if isinstance(part.content, str) else part.content
        return found

    @property
    def text(self) -> str:
        return "\n".join(part for part in self.parts if isinstance(part, str))

    @property
    def pictures(self) -> list[bytes]:
        return [part.data for part in self.parts if isinstance(part, BinaryContent)]

    @property
    def schema(self) -> Mapping[str, Any]:
        parameters = self.info.model_request_parameters
        if parameters.output_object is not None:
            return parameters.output_object.json_schema
        return self.info.output_tools[0].parameters_json_schema

    @property
    def options(self) -> list[str]:
        return list(self.schema["properties"]["category"]["enum"])


@dataclass
class ScriptedModel:
    """
    Opens hooks with a model that calls ``answer`` for the text of each reply.

    :param is_native: whether the model supports structured output; otherwise it answers by a tool.
    """

    answer: Callable[[Asked], str]
    is_native: bool = True
    usage: tuple[int, int] = (100, 20)
    details: Mapping[str, Any] | None = None
    asked: list[Asked] = field(default_factory=list)

    def open_hook(self, settings: LlmSettings) -> PydanticAIHook:
        profile = ModelProfile(supports_json_schema_output=self.is_native)
        return _Hook(FunctionModel(self._reply, model_name="scripted-1", profile=profile))

    def backend(self, **settings: Any) -> LlmBackend:
        return LlmBackend(LlmSettings("model", "model_api", **settings), open_hook=self.open_hook)

    def _reply(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        asked = Asked(messages, info)
        self.asked.append(asked)
        text = self.answer(asked)
        part = TextPart(text) if self.is_native else ToolCallPart(info.output_tools[0].name, json.loads(text))
        usage = RequestUsage(input_tokens=self.usage[0], output_tokens=self.usage[1])
        details = dict(self.details) if self.details else None
        return ModelResponse([part], usage=usage, provider_details=details)


class _Hook(PydanticAIHook):
    def __init__(self, model: Model) -> None:
        super().__init__("model_api")
        self._scripted = model

    def get_conn(self) -> Model:
        return self._scripted


def always(category: str, **fields: Any) -> Callable[[Asked], str]:
    """Return a script that always gives one answer."""
    return lambda asked: answer_text(category, **fields)


def in_turn(*answers: str) -> Callable[[Asked], str]:
    """Return a script that gives these answers in turn."""
    left = iter(answers)
    return lambda asked: next(left)
