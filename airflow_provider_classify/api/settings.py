"""The settings of a connection to a classify API."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import quote, urlsplit

#: The default of ``request_timeout``, in seconds.
REQUEST_TIMEOUT = 60.0


def is_api_url(url: str) -> bool:
    """Return whether this is an http(s) URL with a host, and without user, query and fragment."""
    try:
        parts = urlsplit(url)
        name = (parts.hostname or "").encode("idna")
        is_usable = parts.scheme in ("http", "https") and name != b"" and parts.port != 0
    except ValueError:  # a wrong name, port or IPv6 address
        return False
    return is_usable and not any(character in url for character in "@?#") and not any(map(str.isspace, url))


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """
    The settings of a connection with the backend ``api``.

    :param base_url: the URL of the API, without a slash at its end.
    :param api_key: the key that every request sends; empty for none.
    :param request_timeout: the most seconds of one request, above 0. An upload gets more time for its size.
    :param request_rate: the most status requests per second of one triggerer, above 0; ``None`` for no limit.
    :param is_https_assumed: whether the connection has no scheme, so that https was assumed.
    :param evidence: whether results in XCom and in outputs contain text of the document.
    """

    backend_name: ClassVar[str] = "api"
    #: Whether the documents are read where the task runs.
    reads_documents: ClassVar[bool] = False

    conn_id: str
    base_url: str
    api_key: str = field(default="", repr=False)
    request_timeout: float = REQUEST_TIMEOUT
    request_rate: float | None = None
    is_https_assumed: bool = False
    evidence: bool = True

    def job_url(self, job_id: str) -> str:
        """Return the URL of a job at the API."""
        return f"{self.base_url}/classify/{quote(job_id, safe='')}"

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings about these settings, one sentence each, for the log and the connection test."""
        found = []
        if self.is_https_assumed:
            found.append(
                f"The host of the connection {self.conn_id!r} has no scheme, so https was assumed: {self.base_url}."
            )
        if self.api_key and self.base_url.startswith("http://") and not self._is_loopback:
            found.append(
                f"The connection {self.conn_id!r} sends its api key over http, where others can read it; use https."
            )
        return tuple(found)

    @property
    def _is_loopback(self) -> bool:
        name = urlsplit(self.base_url).hostname or ""
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return False
