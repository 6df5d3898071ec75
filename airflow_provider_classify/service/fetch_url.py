"""
Fetch the document of a ``file_url``.

The service fetches what a client names, from inside its own network. Internal file servers are the
point of it, but addresses that hand out a machine's credentials are refused: link-local ones and the
metadata services of clouds. A host is judged by what its name resolves to, before the request and again
by the address that answered, since a name can resolve otherwise the second time. Redirects are
followed one by one and judged alike.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

from airflow_provider_classify.exceptions import (
    DocumentNotFound,
    DocumentNotReadable,
    DocumentTookTooLong,
    RequestRejected,
)

#: Seconds for the whole transfer of a document, and for its server to say anything.
FETCH_SECONDS = 300.0
SILENCE_SECONDS = 30.0
MAX_REDIRECTS = 5

_REFUSED = tuple(
    map(
        ip_network,
        (
            "169.254.0.0/16",  # link-local; the metadata services of most clouds
            "fe80::/10",  # link-local
            "fd00:ec2::254/128",  # metadata, AWS
            "100.100.100.200/32",  # metadata, Alibaba Cloud
        ),
    )
)


def is_fetchable(url: str) -> bool:
    """Whether this is an absolute http or https URL with a host."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def is_refused_address(address: str) -> bool:
    """Whether nothing may be fetched from this IP address."""
    ip = ip_address(address.split("%", 1)[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return any(ip in network for network in _REFUSED)


def fetch(url: str, write: Callable[[bytes], None], *, go_on: Callable[[], bool] = lambda: True) -> None:
    """
    Pass the document at ``url`` to ``write``, piece by piece.

    No proxy and no credentials of the service's environment are used.

    :param go_on: asked before each piece; when it says no, the transfer is given up.
    :raises RequestRejected: an address or a redirect that is refused.
    :raises DocumentNotFound: the server says 404 or 410.
    :raises DocumentNotReadable: not reached, another status, or the transfer broke.
    :raises DocumentTookTooLong: not done after :data:`FETCH_SECONDS`.
    """
    deadline = time.monotonic() + FETCH_SECONDS
    with httpx.Client(timeout=SILENCE_SECONDS, trust_env=False, verify=ssl.create_default_context()) as client:
        for _ in range(MAX_REDIRECTS + 1):
            target = _follow(client, url, write, deadline, go_on)
            if target is None:
                return
            if not is_fetchable(target):
                raise RequestRejected(f"{_shown(url)} redirects to something other than http; give its final URL.")
            url = target
    raise RequestRejected(f"{_shown(url)} is the end of more than {MAX_REDIRECTS} redirects; give its final URL.")


def _follow(
    client: httpx.Client, url: str, write: Callable[[bytes], None], deadline: float, go_on: Callable[[], bool]
) -> str | None:
    """Make one request; return where it redirects to, or ``None`` when the document has been written."""
    shown = _shown(url)
    try:
        _refuse_by_name(url)
        with client.stream("GET", url, headers={"Accept-Encoding": "identity"}) as response:
            _refuse_by_peer(response, shown)
            if response.next_request:
                return str(response.next_request.url)
            _check_status(response.status_code, shown)
            for piece in response.iter_bytes():
                if not go_on():
                    raise DocumentNotReadable(f"Fetching {shown} was given up because the service stops; try again.")
                if time.monotonic() > deadline:
                    raise DocumentTookTooLong(f"{shown} was not fetched within {FETCH_SECONDS:.0f} s; upload the file.")
                write(piece)
    except (httpx.HTTPError, httpx.InvalidURL, socket.gaierror, UnicodeError) as error:
        raise DocumentNotReadable(
            f"{shown} could not be fetched ({type(error).__name__}); see that the service can reach it."
        ) from error
    return None


def _refuse_by_name(url: str) -> None:
    parsed = httpx.URL(url)
    for *_, address in socket.getaddrinfo(parsed.host, parsed.port or 443, type=socket.SOCK_STREAM):
        _refuse(str(address[0]), _shown(url))


def _refuse_by_peer(response: httpx.Response, shown: str) -> None:
    _refuse(str(response.extensions["network_stream"].get_extra_info("server_addr")[0]), shown)


def _refuse(address: str, shown: str) -> None:
    if is_refused_address(address):
        raise RequestRejected(
            f"{shown} leads to the address {address}, from which this service fetches nothing; upload the file instead."
        )


def _check_status(status: int, shown: str) -> None:
    if status in (404, 410):
        raise DocumentNotFound(f"There is no document at {shown} (HTTP {status}); check the URL.")
    if status != 200:
        raise DocumentNotReadable(f"{shown} could not be fetched: its server answered HTTP {status}; check the URL.")


def _shown(url: str) -> str:
    """Return the URL without user, password and query, which may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}"
