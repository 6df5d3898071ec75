"""Open the adapter of common.ai for the batch API of a model's provider, and call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_classify.exceptions import ApiUnavailable, ClassifyError, ConnectionNotUsable, ExtraNotInstalled
from airflow_provider_classify.llm.settings import LlmSettings, not_usable

if TYPE_CHECKING:
    from airflow.providers.common.ai.batch.base import BatchAdapter

T = TypeVar("T")

#: The prefixes of models that the adapter of another prefix serves.
_SAME_API = {"openai-chat": "openai"}


def open_adapter(settings: LlmSettings) -> tuple[BatchAdapter, str]:
    """
    Return the adapter for the batch API of a model's provider, and the name of the model at the provider.

    :raises ConnectionNotUsable: the connection is missing, or common.ai has no adapter for it.
    :raises ExtraNotInstalled: the library of the provider is not installed.
    """
    from airflow.providers.common.ai.batch.dispatch import (
        build_adapter_from_connection,
        get_adapter_class,
        split_model_id,
    )
    from airflow.providers.common.ai.exceptions import LLMBatchInputError
    from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException, BaseHook

    try:
        connection = BaseHook.get_connection(settings.model_conn_id)
        prefix, model = split_model_id(settings.model or connection.extra_dejson.get("model"))
        prefix = _SAME_API.get(prefix, prefix)
        name = get_adapter_class(connection.conn_type, f"{prefix}:{model}").name
        return build_adapter_from_connection(name, connection), model
    except AirflowOptionalProviderFeatureException as error:
        raise ExtraNotInstalled(
            f"The batch API of the model of the connection {settings.conn_id!r} needs a library of its provider; "
            "install it with the extra of apache-airflow-providers-common-ai that has its name."
        ) from error
    except LLMBatchInputError as error:
        raise ConnectionNotUsable(
            f"Airflow's common.ai provider has no batch API for the model of the connection {settings.conn_id!r}, "
            "only for those of OpenAI and Anthropic; set batch_api to false."
        ) from error
    except Exception as error:
        raise not_usable(settings, error) from error


def call(request: Callable[[], T], settings: LlmSettings) -> T:
    """
    Send a request of an adapter and return its reply.

    :raises ConnectionNotUsable: the batch API cannot take the documents.
    :raises ApiUnavailable: the request failed, with any error of the provider's library.
    """
    from airflow.providers.common.ai.exceptions import LLMBatchInputError

    try:
        return request()
    except ClassifyError:
        raise
    except LLMBatchInputError as error:
        raise ConnectionNotUsable(
            f"The batch API of the model of {settings.conn_id!r} cannot take the documents "
            f"({type(error).__name__}); set batch_api of the connection to false, or divide the batch."
        ) from error
    except Exception as error:
        raise ApiUnavailable(
            f"The batch API of the model of the connection {settings.conn_id!r} failed "
            f"({type(error).__name__}); retry later."
        ) from error
