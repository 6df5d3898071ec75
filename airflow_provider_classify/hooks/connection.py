"""Parse an Airflow connection of type ``classify`` into the settings of its backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from airflow_provider_classify.api.settings import REQUEST_TIMEOUT, ApiSettings, is_api_url
from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.hooks.defaults import CONN_TYPE
from airflow_provider_classify.hooks.extras import Extras

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

    from airflow_provider_classify.llm.settings import LlmSettings
    from airflow_provider_classify.local.settings import LocalSettings

#: The settings of a connection, by its backend.
Settings: TypeAlias = "ApiSettings | LocalSettings | LlmSettings"
#: The extras of all backends. Airflow's connection form shows all of them for each backend.
_EXTRAS = (
    "backend",
    "evidence",
    "request_timeout",
    "request_rate",
    "document_timeout",
    "max_pages",
    "ocr",
    "attachments",
    "model_conn_id",
    "model",
    "send",
    "image_px",
    "votes",
    "logprobs",
    "calibration",
    "max_tokens",
    "usage_limits",
    "budget_tokens",
    "budget_cost",
    "batch_api",
)


def parse_connection(connection: Connection, extra: object) -> Settings:
    """
    Parse a connection. If it has a host and no ``backend``, the backend is ``api``.

    :param extra: the parsed extra of the connection. The caller passes it, because reading it can be a request to
        Airflow. Code on an event loop must await that request (``get_async_extra_dejson``).
    :raises ConnectionNotUsable: the type, the backend, the host, or another field is missing or wrong.
    """
    conn_id = connection.conn_id
    if connection.conn_type != CONN_TYPE:
        raise ConnectionNotUsable(
            f"The connection {conn_id!r} is of type {connection.conn_type!r}; give it the type {CONN_TYPE!r}."
        )
    extras = Extras(conn_id, extra)
    # The settings of a backend that is not used are not imported, because every task reads a connection.
    match extras.get("backend") or ("api" if connection.host else None):
        case "api":
            return _api_settings(connection, extras)
        case "local":
            from airflow_provider_classify.hooks.local_connection import local_settings

            return local_settings(conn_id, extras)
        case "model":
            from airflow_provider_classify.hooks.model_connection import llm_settings

            return llm_settings(conn_id, extras)
        case other:
            raise ConnectionNotUsable(
                f"The connection {conn_id!r} has no valid backend ({other!r}); "
                'set "backend" in its extra to "api" (with a host), "local" or "model".'
            )


def refuse_unknown_extras(conn_id: str, extra: Mapping[str, Any]) -> None:
    """
    Refuse unknown names, such as misspelled ones. Only the connection test calls this; a task ignores unknown names.

    :raises ConnectionNotUsable: the extra has an unknown name.
    """
    for name in extra:
        if name not in _EXTRAS:
            raise ConnectionNotUsable(
                f"The extra of the connection {conn_id!r} has the unknown name {name!r}; "
                f"remove it, or correct it to one of {', '.join(_EXTRAS)}."
            )


def _api_settings(connection: Connection, extras: Extras) -> ApiSettings:
    conn_id = connection.conn_id
    host = str(connection.host or "").strip()
    if not host:
        raise ConnectionNotUsable(f"The connection {conn_id!r} has no host; set the URL of the classify API.")
    return ApiSettings(
        conn_id=conn_id,
        evidence=extras.flag("evidence", default=True),
        base_url=_base_url(connection, host),
        api_key=_api_key(connection),
        request_timeout=extras.positive("request_timeout") or REQUEST_TIMEOUT,
        request_rate=extras.positive("request_rate"),
        is_https_assumed="://" not in host and not connection.schema,
    )


def _base_url(connection: Connection, host: str) -> str:
    """Return the URL. ``host`` is a URL or a name. The connection's schema and port complete it."""
    url = (host if "://" in host else f"{connection.schema or 'https'}://{host}").rstrip("/")
    if connection.port and is_api_url(url):
        parts = urlsplit(url)
        if parts.port is None:
            url = parts._replace(netloc=f"{parts.netloc}:{connection.port}").geturl()
    if not is_api_url(url):
        raise ConnectionNotUsable(
            f"The host of the connection {connection.conn_id!r} is not an http(s) URL without user and query; "
            "write it as https://api.example.com."
        )
    return url


def _api_key(connection: Connection) -> str:
    """Return the api key. It is checked here, because an HTTP library would quote a bad key in its error."""
    key = (connection.password or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConnectionNotUsable(
            f"The api key of the connection {connection.conn_id!r} has characters that a header cannot carry; "
            "paste it again."
        )
    return key
