"""Ask a model about a document, with pydantic-ai and the hook of Airflow's common.ai provider."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from anyio.from_thread import start_blocking_portal
from pydantic import BaseModel
from pydantic_ai import BinaryContent, NativeOutput
from pydantic_ai.messages import ModelResponse, TextPart, UserContent
from pydantic_ai.models import Model
from pydantic_ai.usage import RunUsage, UsageLimits

from airflow_provider_classify.exceptions import InvalidReply
from airflow_provider_classify.llm.answer import Answer, Choices, output_type
from airflow_provider_classify.llm.confidence import category_probabilities, tokens_of
from airflow_provider_classify.llm.errors import named
from airflow_provider_classify.llm.prompt import JpegPart, Prompt
from airflow_provider_classify.model.usage import Usage

if TYPE_CHECKING:
    from airflow.providers.common.ai.hooks.pydantic_ai import PydanticAIHook
    from anyio.from_thread import BlockingPortal

    from airflow_provider_classify.llm.cost import Budget
    from airflow_provider_classify.llm.request_retrier import RequestRetrier
    from airflow_provider_classify.llm.settings import LlmSettings


@dataclass(frozen=True, slots=True)
class Reply:
    """
    A model's reply to a prompt.

    :param probabilities: the probabilities of the categories in the answer, in order; empty if the provider gives none.
    :param version: the name of the model that answered, as the provider gives it.
    """

    answer: Answer
    usage: Usage
    probabilities: Sequence[float]
    version: str


class OpenModel:
    """
    A model with open connections. Any thread can ask it.

    pydantic-ai's connections belong to one event loop. So they stay on a loop in a separate thread until the context
    ends. If the context ends with an error, requests that have no reply yet are cancelled.

    :param hook: the hook of the model's connection.
    :param retrier: decides when a request is sent again.
    :param limits: the usage limits of one document; ``None`` for no limits.
    """

    def __init__(
        self, settings: LlmSettings, hook: PydanticAIHook, retrier: RequestRetrier, limits: UsageLimits | None = None
    ) -> None:
        self._settings = settings
        self._hook = hook
        self._retrier = retrier
        self._limits = limits
        self._stack = ExitStack()
        self._portal: BlockingPortal

    def __enter__(self) -> Self:
        self._portal = self._stack.enter_context(start_blocking_portal())
        self._stack.enter_context(self._portal.wrap_async_context_manager(self._model))
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self._stack.__exit__(*exc_info)

    @property
    def _model(self) -> Model:
        return self._hook.get_conn()

    @property
    def name(self) -> str:
        """The name of the model, such as ``openai:gpt-5``."""
        return self._model.model_id

    def ask(self, prompt: Prompt, choices: Choices, document: str, budget: Budget) -> list[Reply]:
        """
        Ask about a document once. If the provider gives no probabilities, ask as often as ``votes`` says.

        :param document: the document, for errors.
        :raises ClassifyError: the model gave no answer, or the budget is used up.
        """
        replies = [self._ask_patiently(prompt, choices, document, budget)]
        if not replies[0].probabilities:
            votes = range(self._settings.votes - 1)
            replies += [self._ask_patiently(prompt, choices, document, budget) for _ in votes]
        return replies

    def _ask_patiently(self, prompt: Prompt, choices: Choices, document: str, budget: Budget) -> Reply:
        def request() -> Reply:
            budget.require_left(document)
            usage = RunUsage()
            try:
                return self._portal.call(self._ask, prompt, choices, usage)
            except Exception as error:
                mapped = named(error, document, self._settings.conn_id)
                if mapped is None:
                    raise
                raise mapped from error
            finally:
                budget.add(_usage(usage))

        return self._retrier.send(request)

    async def _ask(self, prompt: Prompt, choices: Choices, usage: RunUsage) -> Reply:
        output = output_type(choices, prompt.pages)
        agent = self._hook.create_agent(
            _form(self._model, output),
            instructions=prompt.instructions,
            retries={"output": 1, "tools": 1},  # a model without structured output answers with a tool call
            model_settings=self._model_settings(),
            name="classify",
        )
        parts = [_content(part) for part in prompt.parts]
        result = await agent.run(parts, usage=usage, usage_limits=self._limits)
        answer: Any = result.output
        if not isinstance(answer, BaseModel):
            raise InvalidReply(
                f"The model of the connection {self._settings.conn_id!r} gave no answer in the required format."
            )
        return Reply(
            Answer.of(answer, choices),
            _usage(usage),
            _probabilities(result.response),
            result.response.model_name or self._model.model_name,
        )

    def _model_settings(self) -> Any:
        settings: dict[str, Any] = {
            "max_tokens": self._settings.max_tokens,
            "request_timeout": self._settings.request_timeout,
            "max_retries": 0,  # RequestRetrier retries
        }
        if self._settings.votes == 1:
            settings["temperature"] = 0.0
        if self._settings.logprobs:
            settings["openai_logprobs"] = True
            if self._model.system == "google-cloud":
                settings["google_logprobs"] = True
        return settings


def _form(model: Model, output: type[BaseModel]) -> Any:
    """Return the output in the form that the model supports. Only an answer as text has log-probabilities."""
    try:
        is_native = model.profile.get("supports_json_schema_output", False)
    except NotImplementedError:  # a chain of fallback models has no profile of its own
        is_native = False
    return NativeOutput(output, strict=True) if is_native else output


def _content(part: str | JpegPart) -> UserContent:
    if isinstance(part, str):
        return part
    return BinaryContent(base64.b64decode(part.data), media_type="image/jpeg")


def _probabilities(response: ModelResponse) -> list[float]:
    texts = [part for part in response.parts if isinstance(part, TextPart)]
    text = "".join(part.content for part in texts)
    tokens = tokens_of(response.provider_details)  # Chat Completions, Google
    for part in texts:  # OpenAI's Responses API
        tokens += tokens_of(part.provider_details)
    return category_probabilities(text, tokens)


def _usage(usage: RunUsage) -> Usage:
    cost = None if usage.cost is None else float(usage.cost)
    return Usage(usage.requests, usage.input_tokens, usage.output_tokens, cost)
