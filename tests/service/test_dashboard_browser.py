"""The page of a real service in headless Chromium: sign in, drop a document, see its answer and the recent jobs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from browser import chromium, open_page

from tests.support.documents import write_pdf
from tests.support.service import KEY, RunningService, running_service
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        find_spec("playwright") is None or chromium() is None,
        reason="The page is not looked at: install airflow-provider-classify[test-browser] and Chromium.",
    ),
]
SCRIPT = "<img src=x onerror=alert(1)>"
CATEGORIES = ["invoice", "contract", SCRIPT]


@dataclass
class Seen:
    """What a browser reported: errors of the console and of scripts, and the URLs that it asked for."""

    errors: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)


@contextmanager
def looking(*, dark: bool = False, width: int = 1280) -> Iterator[tuple[Page, Seen]]:
    seen = Seen()
    with open_page(dark=dark, width=width) as page:
        page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("dialog", lambda dialog: seen.errors.append(dialog.message))
        page.on("request", lambda asked: seen.urls.append(asked.url))
        yield page, seen


def save(page: Page, name: str) -> None:
    """Keep a picture of the page, if ``SCREENSHOTS`` names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, samples: Path) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("documents")
    hostile = write_pdf(folder / f"{SCRIPT}.pdf", f"INVOICE\nInvoice number 17\n{SCRIPT}\nAmount due: 200.00 EUR")
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7 damaged")
    documents = [samples / "contract.pdf", samples / "invoice.pdf", folder / "damaged.pdf", hostile]
    with (
        running_service(tmp_path_factory.mktemp("service"), api_key=KEY) as service,
        httpx.Client(base_url=service.url, headers={"api-key": KEY}, timeout=60) as client,
    ):
        data = {"categories": json.dumps(CATEGORIES)}
        for path in documents:
            reply = client.post("/classify", files={"pdf_file": (path.name, path.read_bytes())}, data=data)
            job = f"/classify/{reply.raise_for_status().json()['job_id']}"
            wait_until(lambda job=job: client.get(job).json()["status"] in ("completed", "failed"))
        yield service


def sign_in(page: Page, service: RunningService, key: str = KEY) -> None:
    page.goto(service.url)
    page.fill("#key", key)
    page.click("#sign-in button")


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_shows_the_jobs_after_the_sign_in(service: RunningService, dark: bool) -> None:
    with looking(dark=dark) as (page, seen):
        page.goto(service.url)
        page.locator("#sign-in").wait_for()
        assert page.locator("#signed-in").is_hidden()
        save(page, f"sign-in-{'dark' if dark else 'light'}")
        sign_in(page, service)
        rows = page.locator("details.document")
        rows.first.wait_for()
        assert rows.count() == 4
        assert rows.nth(0).locator(".name").inner_text() == f"{SCRIPT}.pdf"
        assert rows.nth(1).locator(".badge").inner_text() == "not classified"
        assert rows.nth(2).locator(".badge").inner_text() == "invoice"
        assert rows.nth(2).locator(".bar").inner_text().endswith("%")
        picture = rows.nth(2).locator("img.picture")
        page.wait_for_function("image => image.naturalWidth > 200", arg=picture.element_handle())
        rows.nth(2).locator("summary").click()
        rows.nth(2).locator(".evidence li").first.wait_for()
        assert rows.nth(2).locator(".mark").count() >= 1
        rows.nth(1).locator("summary").click()
        assert "could not be opened" in rows.nth(1).locator(".facts").inner_text()
        assert page.locator(".minute").count() == 60
        save(page, f"jobs-{'dark' if dark else 'light'}")
        assert page.evaluate("document.cookie") == ""
        page.reload()
        rows.first.wait_for()  # the tab keeps the key
        assert seen.errors == []
        assert all(url.startswith((service.url, f"blob:{service.url}")) for url in seen.urls)
        assert not any(KEY in url for url in seen.urls)
        page.click("#sign-out")
        page.locator("#sign-in").wait_for()
        assert page.evaluate("sessionStorage.getItem('api-key')") is None


def test_a_wrong_key_is_refused_with_a_sentence(service: RunningService) -> None:
    with looking() as (page, _):
        sign_in(page, service, "wrong")
        page.locator("#sign-in .problem:has-text('API key')").wait_for()
        sign_in(page, service, "ключ")
        page.locator("#sign-in .problem:has-text('ASCII')").wait_for()
        assert page.locator("#signed-in").is_hidden()


@pytest.mark.parametrize("width", [1280, 420])
def test_a_dropped_document_gets_its_answer(service: RunningService, samples: Path, width: int) -> None:
    with looking(width=width) as (page, seen):
        sign_in(page, service)
        page.fill("#categories", f"invoice, letter\n{SCRIPT}, letter")
        content = (samples / "letter.pdf").read_bytes()
        page.evaluate(
            """([name, bytes]) => {
                const moved = new DataTransfer();
                moved.items.add(new File([new Uint8Array(bytes)], name));
                const drop = document.getElementById("drop");
                drop.dispatchEvent(new DragEvent("drop", { dataTransfer: moved, bubbles: true, cancelable: true }));
            }""",
            [f"{SCRIPT} a letter.pdf", list(content)],
        )
        answer = page.locator("#answer .badge")
        answer.wait_for()
        assert answer.inner_text() == "letter"
        assert re.fullmatch(r"\d+\s%", page.locator("#answer .bar").inner_text().strip())
        assert page.locator("#answer .evidence li").count() >= 1
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        save(page, f"answer-{width}")
        assert seen.errors == []


def test_a_refused_document_is_explained(service: RunningService) -> None:
    with looking() as (page, _):
        sign_in(page, service)
        page.set_input_files("#file", {"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
        page.fill("#categories", "n" * 300)
        page.click("#submit button")
        page.locator("#answer .problem").wait_for()
        assert "200" in page.locator("#answer .problem").inner_text()
