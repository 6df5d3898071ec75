from __future__ import annotations

import pytest

from airflow_provider_classify.service.allowed_addresses import is_allowed

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::93.184.216.34"]
PRIVATE = [
    "127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "10.0.0.8", "172.16.0.1", "192.168.1.4", "100.64.0.1",
    "fd12:3456::1", "fec0::1", "198.18.0.1", "192.0.2.1", "2001:db8::1", "224.0.0.1", "ff02::1", "240.0.0.1",
    "255.255.255.255", "::ffff:127.0.0.1", "::ffff:10.0.0.8", "::127.0.0.1", "64:ff9b::10.0.0.8",
    "64:ff9b:1::10.0.0.8", "2002:7f00:1::", "2002:5db8:d822::1", "::ffff:0:127.0.0.1", "192.88.99.1",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    "168.63.129.16", "192.0.0.192", "100.100.100.200", "::ffff:169.254.169.254", "::169.254.169.254",
    "64:ff9b::169.254.169.254", "64:ff9b:1::169.254.169.254", "2002:a9fe:a9fe::1", "::ffff:0:169.254.169.254",
    "2001:0:a9fe:a9fe::", "64:ff9b::168.63.129.16",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_other_addresses_are_allowed_only_by_a_switch(address: str) -> None:
    assert not is_allowed(address, allow_private=False)
    assert is_allowed(address, allow_private=True)


@pytest.mark.parametrize("address", METADATA)
def test_addresses_that_hand_out_credentials_are_never_allowed(address: str) -> None:
    assert not is_allowed(address, allow_private=False)
    assert not is_allowed(address, allow_private=True)
