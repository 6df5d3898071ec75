from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.support.api_clients import Aiohttp, Httpx


@pytest.fixture(params=[Httpx, Aiohttp], ids=["httpx", "aiohttp"])
def client(request: pytest.FixtureRequest) -> Httpx:
    return request.param()


@pytest.fixture
def document(tmp_path: Path) -> str:
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 10)
    return str(path)


@pytest.fixture
def _everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
