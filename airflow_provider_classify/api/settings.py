"""What an Airflow connection of type ``classify`` says, read and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.model.contract import MAX_PAGES

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

CONN_TYPE = "classify"
REQUEST_TIMEOUT = 60.0
DOCUMENT_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Settings:
    """
    A connection's settings. ``base_url`` and ``api_key`` serve the API, ``document_timeout`` the
    local engine; both timeouts are in seconds. ``request_rate`` caps the looks at jobs, in requests a
    second of each triggerer; ``None`` is no cap. ``max_pages`` is the local engine's too: from how many
    of its first pages a document is classified.
    """

    conn_id: str
    backend: Literal["api", "local"]
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    request_timeout: float = REQUEST_TIMEOUT
    document_timeout: float = DOCUMENT_TIMEOUT
    request_rate: float | None = None
    max_pages: int = MAX_PAGES

    @classmethod
    def from_connection(cls, connection: Connection, extra: Mapping[str, Any]) -> Settings:
        """
        Read a connection. Without a ``backend``, a host means ``api``.

        ``extra`` comes apart because reading it can call the supervisor, which on an event loop has
        to be awaited (``get_async_extra_dejson``).

        :raises ConnectionNotUsable: another connection type, an unknown backend, no host, a bad number.
        """
        conn_id = connection.conn_id
        if not isinstance(extra, Mapping):
            raise ConnectionNotUsable(f"The extra of the connection {conn_id!r} is no JSON object; write it as one.")
        if connection.conn_type != CONN_TYPE:
            raise ConnectionNotUsable(
                f"The connection {conn_id!r} is of type {connection.conn_type!r}; give it the type {CONN_TYPE!r}."
            )
        backend: Literal["api", "local"]
        match extra.get("backend") or ("api" if connection.host else None):
            case "api":
                backend = "api"
            case "local":
                backend = "local"
            case other:
                raise ConnectionNotUsable(
                    f"The connection {conn_id!r} names no usable backend ({other!r}); "
                    'set "backend" in its extra to "api" (with a host) or "local".'
                )
        if backend == "api" and not connection.host:
            raise ConnectionNotUsable(f"The connection {conn_id!r} has no host; set the URL of the classify API.")
        return cls(
            conn_id=conn_id,
            backend=backend,
            base_url=_base_url(connection) if backend == "api" else "",
            api_key=_api_key(connection),
            request_timeout=_positive(extra, "request_timeout", conn_id) or REQUEST_TIMEOUT,
            document_timeout=_positive(extra, "document_timeout", conn_id) or DOCUMENT_TIMEOUT,
            request_rate=_positive(extra, "request_rate", conn_id),
            max_pages=_whole(extra, "max_pages", conn_id) or MAX_PAGES,
        )


def _base_url(connection: Connection) -> str:
    """``host`` may be a whole URL or a name, with scheme and port in the fields of their own."""
    host = str(connection.host).strip()
    if "://" in host:
        url = host
    else:
        port = f":{connection.port}" if connection.port else ""
        url = f"{connection.schema or 'https'}://{host.rstrip('/')}{port}"
    url = url.rstrip("/")
    try:
        parts = urlsplit(url)
        name = (parts.hostname or "").encode("idna")
        usable = parts.scheme in ("http", "https") and name != b"" and parts.port != 0
    except ValueError:  # no name, no port or no IPv6 address; its words would quote a password
        usable = False
    if not usable or any(character in url for character in "@?#") or any(map(str.isspace, url)):
        raise ConnectionNotUsable(
            f"The host of the connection {connection.conn_id!r} is no http(s) URL without user and query; "
            "write it as https://api.example.com."
        )
    return url


def _positive(extra: Mapping[str, Any], name: str, conn_id: str) -> float | None:
    value = extra.get(name)
    if value in (None, ""):
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ConnectionNotUsable(f"{name!r} of the connection {conn_id!r} is {value!r}; give a number above 0.")
    return number


def _whole(extra: Mapping[str, Any], name: str, conn_id: str) -> int | None:
    number = _positive(extra, name, conn_id)
    if number is not None and not number.is_integer():
        raise ConnectionNotUsable(f"{name!r} of the connection {conn_id!r} is {number:g}; give a whole number.")
    return None if number is None else int(number)


def _api_key(connection: Connection) -> str:
    """Check here what an HTTP library would complain of: it would quote the key in its error."""
    key = (connection.password or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConnectionNotUsable(
            f"The api key of the connection {connection.conn_id!r} has characters that no header can carry; "
            "paste it again."
        )
    return key
