"""
Decide which IP addresses the service may fetch a document from.

A client names the URL, but the service sends the request, from inside its own network. By default it
reaches public addresses only. :mod:`ipaddress` decides which addresses are public; it follows IANA's registries of
special-purpose addresses. :data:`_METADATA` adds the addresses at which clouds serve a machine's credentials,
as each cloud documents them. The service always refuses these.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_Address = IPv4Address | IPv6Address

#: The networks where clouds serve metadata and credentials to their machines.
_METADATA = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local: AWS, Azure, Google Cloud, Oracle, OpenStack, ECS task credentials
        "fe80::/10",  # link-local
        "fd00:ec2::/32",  # AWS: metadata, DNS and time services of Nitro instances
        "fd20:ce::254/128",  # Google Cloud, IPv6-only instances
        "168.63.129.16/32",  # Azure's host, "wire server"
        "192.0.0.192/32",  # Oracle Cloud
        "100.100.100.200/32",  # Alibaba Cloud
    )
)
#: Networks that are not public, although some versions of Python treat them as public.
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "192.88.99.0/24",  # relays of 6to4, RFC 7526
        "2002::/16",  # 6to4, RFC 7526
        "fec0::/10",  # site-local, RFC 3879
    )
)
#: The network through which machines without IPv4 reach the public IPv4 internet, RFC 6052.
_NAT64 = IPv6Network("64:ff9b::/96")
#: IPv6 networks whose addresses end with the IPv4 address that a gateway connects to.
_ENDING_WITH_IPV4 = (
    _NAT64,
    IPv6Network("64:ff9b:1::/48"),  # NAT64 within a network, RFC 8215
    IPv6Network("::/96"),  # IPv4-compatible, RFC 4291
    IPv6Network("::ffff:0:0:0/96"),  # IPv4-translated, RFC 2765
)


def is_allowed(address: str, *, allow_private: bool) -> bool:
    """
    Return whether a document may be fetched from this IP address.

    :param allow_private: also allow loopback, private and other addresses that are not public.
    """
    return all(_may_reach(ip, allow_private) for ip in _destinations(ip_address(address.split("%", 1)[0])))


def _may_reach(ip: _Address, allow_private: bool) -> bool:
    if any(ip in network for network in _METADATA):
        return False
    is_public = ip.is_global and not ip.is_multicast and not ip.is_reserved
    return allow_private or (is_public and not any(ip in network for network in _NOT_PUBLIC))


def _destinations(ip: _Address) -> Iterator[_Address]:
    """Yield the addresses that a packet to ``ip`` may reach: ``ip`` itself, and IPv4 addresses embedded in it."""
    if isinstance(ip, IPv4Address):
        yield ip
        return
    embedded = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in network for network in _ENDING_WITH_IPV4):
        embedded.append(IPv4Address(int(ip) & 0xFFFFFFFF))
    yield from (address for address in embedded if address is not None)
    # An IPv4-mapped or NAT64 address leads only to its IPv4 address. ipaddress treats the whole address as reserved.
    if ip.ipv4_mapped is None and ip not in _NAT64:
        yield ip
