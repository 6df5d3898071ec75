"""A language model as a backend. The documents are read on the worker, and the model gets their text or pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_classify.exceptions import ClassifyError, ConnectionNotUsable, ExtraNotInstalled
from airflow_provider_classify.job_session import OnLooked, ignore_looks
from airflow_provider_classify.llm.calibration import Calibration
from airflow_provider_classify.llm.cost import Budget
from airflow_provider_classify.llm.prompt import prompt_version
from airflow_provider_classify.llm.request_retrier import RequestRetrier
from airflow_provider_classify.llm.settings import LlmSettings, not_usable
from airflow_provider_classify.local.engine_extra import require_engine
from airflow_provider_classify.local.options import ocr_models
from airflow_provider_classify.local.recorded_backend import RecordedBackend
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult

if TYPE_CHECKING:
    from airflow.providers.common.ai.hooks.pydantic_ai import PydanticAIHook

    from airflow_provider_classify.batch.work import BatchWork
    from airflow_provider_classify.engine.options import EngineOptions
    from airflow_provider_classify.engine.sandbox.pool import EnginePool, EngineProcess
    from airflow_provider_classify.llm.ask import OpenModel

#: Opens the hook of a model's connection. Tests pass one with a scripted model.
OpenHook = Callable[[LlmSettings], "PydanticAIHook"]


class LlmBackend(RecordedBackend):
    """
    A model behind a connection of Airflow's common.ai provider, and the record of the jobs.

    A second submit would be charged again, so a retry reads the answer from the record. :meth:`submit` also raises
    :class:`ExtraNotInstalled` without the ``model`` extra, :class:`ConnectionNotUsable` if the model's connection is
    missing or wrong, :class:`BudgetUsedUp`, and :class:`ApiError` if the model gave no answer.

    :param open_hook: opens the hook of the model's connection.
    :param retrier: decides when a request is sent again.
    :param on_looked: called after each status request of a session of :meth:`connect`, with the number of its jobs.
    """

    backend_name: ClassVar[str] = "model"
    resubmit_is_free: ClassVar[bool] = False
    classifier: ClassVar[str] = "the model"

    def __init__(
        self,
        settings: LlmSettings,
        *,
        open_hook: OpenHook | None = None,
        retrier: RequestRetrier | None = None,
        on_looked: OnLooked = ignore_looks,
    ) -> None:
        super().__init__(evidence=settings.evidence, on_looked=on_looked)
        self.settings = settings
        self._open_hook = open_hook or _hook_of
        self.retrier = retrier or RequestRetrier()

    def _prepare(self, categories: Sequence[Category]) -> Sequence[Category]:
        _require_extra()
        return categories

    def _classify(self, path: Path, categories: Sequence[Category], name: str) -> ClassificationResult:
        from airflow_provider_classify.engine.sandbox.pool import EngineProcess

        budget = self.budget()
        with EngineProcess(self.engine_options()) as engine, self.open_model() as model:
            return self.classify_with(engine, model, budget, path, categories, name)

    def classify_with(
        self,
        engine: EngineProcess | EnginePool,
        model: OpenModel,
        budget: Budget,
        path: Path,
        categories: Sequence[Category],
        name: str,
    ) -> ClassificationResult:
        """
        Read a document and ask an open model about it. A blank document costs nothing.

        :param name: the document's name in errors.
        :raises ClassifyError: the document cannot be read, or the model gave no answer.
        """
        from airflow_provider_classify.llm.answer import Choices
        from airflow_provider_classify.llm.confidence import judge
        from airflow_provider_classify.llm.prompt import build_prompt
        from airflow_provider_classify.llm.result import Writer
        from airflow_provider_classify.model.usage import Usage

        calibration = self.calibration  # read it before the model is asked, so that an error in it costs nothing
        content = engine.contents(path, name=name, form=self.settings.send, longest_side=self.settings.image_px)
        choices = Choices.of([category.name for category in categories])
        if not content.filled:
            return Writer(choices, self.engine(model.name), calibration).blank(content)
        replies = model.ask(build_prompt(categories, content.filled, choices.none), choices, name, budget)
        judgement = judge([reply.answer for reply in replies], replies[0].probabilities)
        writer = Writer(choices, self.engine(model.name, replies[0].version), calibration)
        return writer.result(content, judgement, sum((reply.usage for reply in replies), Usage()))

    def engine(self, model: str, version: str | None = None) -> dict[str, Any]:
        """Return the field ``engine`` of a result: the name of the model, and the version that its provider gives."""
        return {"name": model, **({"version": version} if version else {}), "prompt": prompt_version()}

    def without_calibration(self) -> LlmBackend:
        """Return the same backend without its calibration."""
        return LlmBackend(replace(self.settings, calibration=""), open_hook=self._open_hook, retrier=self.retrier)

    def budget(self) -> Budget:
        """Return a new budget for a task, with nothing used."""
        settings = self.settings
        return Budget(settings.conn_id, tokens=settings.budget_tokens, cost=settings.budget_cost)

    @contextmanager
    def open_model(self) -> Iterator[OpenModel]:
        """
        Open connections to the model.

        :raises ConnectionNotUsable: the model's connection is missing or wrong.
        :raises ExtraNotInstalled: the library of the model's provider is not installed.
        """
        from airflow_provider_classify.llm.ask import OpenModel

        with OpenModel(self.settings, self._hook(), self.retrier, self._limits()) as model:
            yield model

    def engine_options(self) -> EngineOptions:
        """Return the options for reading documents."""
        from airflow_provider_classify.engine.options import EngineOptions

        return EngineOptions(
            seconds=self.settings.document_timeout, max_pages=self.settings.max_pages, ocr_models=ocr_models()
        )

    @cached_property
    def calibration(self) -> Calibration | None:
        """
        The calibration of the connection; ``None`` if it names none.

        :raises CalibrationNotUsable: the file cannot be read, or is not a calibration.
        """
        file = self.settings.calibration
        return Calibration.load(Path(file).expanduser()) if file else None

    def run_batch(self, work: BatchWork) -> None:
        """Classify the documents of a batch, several at a time. Each result is also recorded as a job."""
        from airflow_provider_classify.llm.batch_run import run_batch

        _require_extra()
        run_batch(self, work)

    def identity(self, categories: Sequence[Category] = ()) -> str:
        """Return the model, the versions of prompt and calibration, and the options that change results."""
        settings = self.settings
        identity = (
            f"model {self._model_name()} of {settings.model_conn_id}, prompt {prompt_version()}, "
            f"send {settings.send}, {settings.max_pages} pages, {settings.image_px} px"
        )
        if settings.votes > 1:
            identity += f", {settings.votes} votes"
        if not settings.logprobs:
            identity += ", no logprobs"
        if self.calibration is not None:
            identity += f", calibration {self.calibration.version()}"
        return identity

    def check(self) -> str:
        """Check the installed libraries, the model's connection, the calibration and the record. Send no request."""
        _require_extra()
        with self.open_model() as model:
            name = model.name
        self.calibration  # noqa: B018 - the check is to read it
        self._store  # noqa: B018 - and to open the record
        return f"The model {name!r} is configured. No request was sent to it."

    def _model_name(self) -> str:
        """Return the name of the model. This needs no library of its provider."""
        if self.settings.model:
            return self.settings.model
        from airflow.providers.common.compat.sdk import BaseHook

        try:
            extra = BaseHook.get_connection(self.settings.model_conn_id).extra_dejson
        except Exception as error:
            raise not_usable(self.settings, error) from error
        return str(extra.get("model", ""))

    def _hook(self) -> PydanticAIHook:
        _require_extra()
        try:
            hook = self._open_hook(self.settings)
            hook.get_conn()
        except ImportError as error:  # pydantic-ai says which package is missing
            raise ExtraNotInstalled(
                f"The model of the connection {self.settings.conn_id!r} needs a library of its provider ({error}); "
                "install it with the extra of apache-airflow-providers-common-ai that has its name."
            ) from error
        except ClassifyError:
            raise
        except Exception as error:
            raise not_usable(self.settings, error) from error
        return hook

    def _limits(self) -> Any:
        from airflow.providers.common.ai.utils.usage import coerce_usage_limits

        if not self.settings.usage_limits:
            return None
        try:
            return coerce_usage_limits(dict(self.settings.usage_limits))
        except (TypeError, ValueError) as error:
            raise ConnectionNotUsable(
                f"usage_limits of the connection {self.settings.conn_id!r} cannot be used ({error}); correct them."
            ) from error


def _hook_of(settings: LlmSettings) -> PydanticAIHook:
    from airflow.providers.common.ai.hooks.pydantic_ai import PydanticAIHook

    hook: PydanticAIHook = PydanticAIHook.get_hook(settings.model_conn_id, {"model_id": settings.model})
    return hook


def _require_extra() -> None:
    require_engine(", which the extra model installs too")
    if find_spec("pydantic_ai") is None or find_spec("airflow.providers.common.ai") is None:
        raise ExtraNotInstalled(
            "A model needs Airflow's common.ai provider; install airflow-provider-classify[model] where the tasks run."
        )
