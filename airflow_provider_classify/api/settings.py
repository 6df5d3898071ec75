"""The settings of a connection to a classify API."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Seconds that one request may take, where the connection does not say.
REQUEST_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """
    What a connection with the backend ``api`` says.

    :param base_url: the URL that the API's paths are appended to, without a slash at its end.
    :param api_key: the key that goes with every request; empty for none.
    :param request_timeout: seconds that one request may take. An upload may take longer by its size.
    :param request_rate: status requests that one triggerer may make, in requests a second; ``None`` for no limit.
    :param is_https_assumed: the connection's host has no scheme.
    """

    conn_id: str
    base_url: str
    api_key: str = field(default="", repr=False)
    request_timeout: float = REQUEST_TIMEOUT
    request_rate: float | None = None
    is_https_assumed: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of these settings, each one a sentence for the log and the connection test."""
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
