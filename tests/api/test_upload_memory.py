"""The memory that an upload needs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.api_clients import ACCEPTED
from tests.support.scripted_server import scripted_server

_UPLOAD = textwrap.dedent(
    """
    import asyncio, resource, sys
    from pathlib import Path
    from airflow_provider_classify.api.sync import ApiBackend
    from airflow_provider_classify.api.settings import ApiSettings
    from airflow_provider_classify.model.categories import Category
    from airflow_provider_classify.documents.document import Document

    driver, url, small, large = sys.argv[1:]
    backend = ApiBackend(ApiSettings("docs", url))

    async def submit(path):
        async with backend.connect() as jobs:
            await jobs.submit(Document(path), [Category("invoice")])

    def upload(path):
        if driver == "aiohttp":
            asyncio.run(submit(path))
        else:
            backend.submit(Document(path), [Category("invoice")])

    def peak_mb():
        status = Path("/proc/self/status")
        if status.exists():  # Linux's ru_maxrss begins with the peak of the process that started this one
            return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

    upload(small)
    before = peak_mb()
    upload(large)
    print(peak_mb() - before)
    """
)


def sparse(path: Path, size: int) -> str:
    with path.open("wb") as file:
        file.truncate(size)
    return str(path)


@pytest.mark.parametrize("driver", ["httpx", "aiohttp"])
def test_the_largest_document_is_not_held_in_memory(driver: str, tmp_path: Path) -> None:
    # A process of its own: the peak of this one knows of all the tests before.
    small, large = sparse(tmp_path / "small.pdf", 1024**2), sparse(tmp_path / "large.pdf", 500 * 1024**2)
    with scripted_server(ACCEPTED) as server:
        command = [sys.executable, "-c", _UPLOAD, driver, server.url, small, large]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(server.requests[1].headers["Content-Length"]) > 500 * 1024**2
    assert float(done.stdout) < 50
