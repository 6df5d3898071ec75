"""Connect only to addresses that the service may reach, for requests whose URL a client has named."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import aiohttp

from airflow_provider_classify.service.allowed_addresses import is_allowed


def guarded_session(
    tls: ssl.SSLContext, *, allow_private: bool, refusal: Callable[[str], Exception]
) -> aiohttp.ClientSession:
    """
    Return a session for one request.

    The session checks each address when it connects. So a host name that later resolves to another address cannot evade
    the check. It keeps no connection and no cookie, and ignores the proxies that the environment names.

    :param allow_private: also connect to loopback, private and other addresses that are not public.
    :param refusal: returns the error to raise for an address that is refused.
    """

    def open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
        family, kind, protocol, _, destination = address
        if not is_allowed(str(destination[0]), allow_private=allow_private):
            raise refusal(str(destination[0]))
        return socket.socket(family, kind, protocol)

    connector = aiohttp.TCPConnector(
        ssl=tls, socket_factory=open_socket, happy_eyeballs_delay=None, force_close=True, use_dns_cache=False
    )
    return aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(total=None), cookie_jar=aiohttp.DummyCookieJar()
    )
