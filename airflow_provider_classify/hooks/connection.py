"""Parse an Airflow connection of type ``classify`` into the settings of its backend."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from airflow_provider_classify.api.settings import REQUEST_TIMEOUT, ApiSettings, is_api_url
from airflow_provider_classify.engine.options import ATTACHMENT_MODES, OCR_MODES, MaxPages
from airflow_provider_classify.engine.page_contents import PAGE_FORMS
from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.hooks.defaults import CONN_TYPE
from airflow_provider_classify.llm.settings import IMAGE_PX, MAX_TOKENS, LlmSettings
from airflow_provider_classify.llm.settings import REQUEST_TIMEOUT as MODEL_REQUEST_TIMEOUT
from airflow_provider_classify.local.settings import DOCUMENT_TIMEOUT, LocalSettings
from airflow_provider_classify.model.api_contract import MAX_PAGES

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

#: The settings of a connection, by its backend.
Settings: TypeAlias = ApiSettings | LocalSettings | LlmSettings
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

_Choice = TypeVar("_Choice", bound=str)


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
    extras = _Extras(conn_id, extra)
    match extras.get("backend") or ("api" if connection.host else None):
        case "api":
            return _api_settings(connection, extras)
        case "local":
            return LocalSettings(
                conn_id=conn_id,
                evidence=extras.flag("evidence", default=True),
                document_timeout=extras.positive("document_timeout") or DOCUMENT_TIMEOUT,
                max_pages=extras.pages("max_pages") or MAX_PAGES,
                ocr=extras.choice("ocr", OCR_MODES) or "auto",
                attachments=extras.choice("attachments", ATTACHMENT_MODES) or "ignore",
            )
        case "model":
            return _llm_settings(conn_id, extras)
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


def _api_settings(connection: Connection, extras: _Extras) -> ApiSettings:
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


def _llm_settings(conn_id: str, extras: _Extras) -> LlmSettings:
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
        request_timeout=extras.positive("request_timeout") or MODEL_REQUEST_TIMEOUT,
        document_timeout=extras.positive("document_timeout") or DOCUMENT_TIMEOUT,
    )


def _base_url(connection: Connection, host: str) -> str:
    """Return the URL. ``host`` is a URL, or a name that the connection's schema and port complete."""
    if "://" in host:
        url = host
    else:
        port = f":{connection.port}" if connection.port else ""
        url = f"{connection.schema or 'https'}://{host.rstrip('/')}{port}"
    url = url.rstrip("/")
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


class _Extras:
    """The extra of a connection. An empty field of the form counts as missing."""

    def __init__(self, conn_id: str, extra: object) -> None:
        if not isinstance(extra, Mapping):
            raise ConnectionNotUsable(f"The extra of the connection {conn_id!r} is not a JSON object; write it as one.")
        self._conn_id = conn_id
        self._values = {name: value for name, value in extra.items() if value not in (None, "")}

    def get(self, name: str) -> object:
        """Return the value without a check; ``None`` if it is missing."""
        return self._values.get(name)

    def choice(self, name: str, choices: Sequence[_Choice]) -> _Choice | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not one of the choices."""
        value = self._values.get(name)
        for choice in choices:
            if value == choice:
                return choice
        if value is not None:
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is {value!r}; give one of {', '.join(choices)}."
            )
        return None

    def text(self, name: str) -> str | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not a string."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ConnectionNotUsable(f"{name!r} of the connection {self._conn_id!r} is {value!r}; give a string.")
        return value.strip() or None

    def json_object(self, name: str) -> Mapping[str, Any]:
        """
        Return the value, a JSON object or a string of JSON; an empty object if it is missing.

        :raises ConnectionNotUsable: it is neither.
        """
        value = self._values.get(name, {})
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except ValueError:  # reported below
            parsed = None
        if not isinstance(parsed, Mapping):
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is not a JSON object; write it as one."
            )
        return parsed

    def flag(self, name: str, *, default: bool) -> bool:
        """Return the value. :raises ConnectionNotUsable: it is not ``true`` or ``false``."""
        value = self._values.get(name, default)
        if str(value).lower() not in ("true", "false"):
            raise ConnectionNotUsable(f"{name!r} of the connection {self._conn_id!r} is {value!r}; give true or false.")
        return str(value).lower() == "true"

    def positive(self, name: str) -> float | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not a number above 0."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            number = float(str(value))
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is {value!r}; give a number above 0."
            )
        return number

    def whole(self, name: str) -> int | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not an integer above 0."""
        number = self.positive(name)
        if number is not None and not number.is_integer():
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is {number:g}; give a whole number."
            )
        return None if number is None else int(number)

    def pages(self, name: str) -> MaxPages | None:
        """
        Return the value; ``None`` if it is missing.

        :raises ConnectionNotUsable: it is neither ``all`` nor an integer above 0.
        """
        return "all" if self._values.get(name) == "all" else self.whole(name)
