"""The settings of a connection to a language model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from airflow_provider_classify.engine.options import MaxPages
from airflow_provider_classify.engine.page_contents import PageForm
from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.local.settings import DOCUMENT_TIMEOUT, WorkerSettings
from airflow_provider_classify.model.api_contract import MAX_PAGES

#: The default of ``request_timeout``, in seconds. A model that reasons can take a minute.
REQUEST_TIMEOUT = 120.0
#: The default of ``image_px``, in pixels. At this size, a model can read the body text of a page.
IMAGE_PX = 1024
#: The default of ``max_tokens``. An answer about four pages has about 200 tokens.
MAX_TOKENS = 1000


@dataclass(frozen=True, slots=True)
class LlmSettings(WorkerSettings):
    """
    The settings of a connection with the backend ``model``.

    :param model_conn_id: the connection of Airflow's common.ai provider that has the key and names the model.
    :param model: the model, in place of the one that ``model_conn_id`` names.
    :param send: what the model gets of each page: ``auto``, ``text``, ``images`` or ``both``.
    :param max_pages: the number of first pages that the model gets, at least 1; or ``all``.
    :param image_px: the most pixels of a side of a picture, at least 1.
    :param votes: how often the model is asked if it gives no log-probabilities, at least 1.
    :param logprobs: whether to ask for log-probabilities. Some servers refuse such a request.
    :param calibration: the file that ``airflow-classify calibrate`` wrote; empty for none.
    :param max_tokens: the most tokens of one answer, at least 1.
    :param usage_limits: the limits of one document, as the fields of pydantic-ai's ``UsageLimits``.
    :param budget_tokens: the most tokens of one task; ``None`` for no limit.
    :param budget_cost: the most US dollars of one task; ``None`` for no limit.
    :param batch_api: whether a batch uses the batch API of the model's provider.
    :param request_timeout: the most seconds of one request, above 0.
    :param document_timeout: the most seconds for reading one document, above 0.
    :param evidence: whether results contain text of the document, such as the model's reasoning.
    """

    backend_name: ClassVar[str] = "model"

    conn_id: str
    model_conn_id: str
    model: str | None = None
    send: PageForm = "auto"
    max_pages: MaxPages = MAX_PAGES
    image_px: int = IMAGE_PX
    votes: int = 1
    logprobs: bool = True
    calibration: str = ""
    max_tokens: int = MAX_TOKENS
    usage_limits: Mapping[str, Any] = field(default_factory=dict)
    budget_tokens: int | None = None
    budget_cost: float | None = None
    batch_api: bool = False
    request_timeout: float = REQUEST_TIMEOUT
    document_timeout: float = DOCUMENT_TIMEOUT
    evidence: bool = True


def not_usable(settings: LlmSettings, error: Exception) -> ConnectionNotUsable:
    """Return the error for a connection to a model that is missing or wrong."""
    return ConnectionNotUsable(
        f"The connection {settings.model_conn_id!r}, which model_conn_id of {settings.conn_id!r} names, cannot be used "
        f"({type(error).__name__}); define it as a connection of Airflow's common.ai provider, with a model such as "
        "openai:gpt-5."
    )
