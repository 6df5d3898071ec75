"""Read the settings of a language model from an Airflow connection of type ``classify``."""

from __future__ import annotations

from airflow_provider_classify.engine.page_contents import PAGE_FORMS
from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.hooks.extras import Extras
from airflow_provider_classify.llm.settings import IMAGE_PX, MAX_TOKENS, REQUEST_TIMEOUT, LlmSettings
from airflow_provider_classify.local.settings import DOCUMENT_TIMEOUT
from airflow_provider_classify.model.api_contract import MAX_PAGES


def llm_settings(conn_id: str, extras: Extras) -> LlmSettings:
    """Return the settings. :raises ConnectionNotUsable: the ``model_conn_id`` is missing, or a field is wrong."""
    model_conn_id = extras.text("model_conn_id")
    if model_conn_id is None:
        raise ConnectionNotUsable(
            f'The connection {conn_id!r} with the backend "model" has no model_conn_id; set it to a connection of '
            "Airflow's common.ai provider, such as pydanticai_default."
        )
    return LlmSettings(
        conn_id=conn_id,
        evidence=extras.flag("evidence", default=True),
        model_conn_id=model_conn_id,
        model=extras.text("model"),
        send=extras.choice("send", PAGE_FORMS) or "auto",
        max_pages=extras.pages("max_pages") or MAX_PAGES,
        image_px=extras.whole("image_px") or IMAGE_PX,
        votes=extras.whole("votes") or 1,
        logprobs=extras.flag("logprobs", default=True),
        calibration=extras.text("calibration") or "",
        max_tokens=extras.whole("max_tokens") or MAX_TOKENS,
        usage_limits=extras.json_object("usage_limits"),
        budget_tokens=extras.whole("budget_tokens"),
        budget_cost=extras.positive("budget_cost"),
        batch_api=extras.flag("batch_api", default=False),
        request_timeout=extras.positive("request_timeout") or REQUEST_TIMEOUT,
        document_timeout=extras.positive("document_timeout") or DOCUMENT_TIMEOUT,
    )
