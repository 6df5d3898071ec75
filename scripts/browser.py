"""
Open Airflow's UI and the page of the service in headless Chromium.

This needs Playwright (the extra ``test-browser``) and a Chromium: the one that ``CHROMIUM`` names, the system's, or
Playwright's own.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from standalone import USER, Airflow

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: The size of the window in pixels.
WIDTH, HEIGHT = 1280, 1320


def chromium() -> str | None:
    """Return the path of the Chromium that ``CHROMIUM`` names, or of the system's; ``None`` if there is neither."""
    named = os.environ.get("CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def open_page(*, dark: bool = False, width: int = WIDTH) -> Iterator[Page]:
    """Provide an empty page of a browser; ``width`` is in pixels."""
    from playwright.sync_api import sync_playwright

    # The sandbox of Chromium needs rights that root in a container lacks. Only servers of this machine are opened.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        page = browser.new_page(
            viewport={"width": width, "height": HEIGHT}, color_scheme="dark" if dark else "light", locale="en-US"
        )
        page.set_default_timeout(120_000)
        try:
            yield page
        finally:
            browser.close()


@contextmanager
def open_browser(airflow: Airflow, *, dark: bool = False) -> Iterator[Page]:
    """Provide a page of a browser that is logged in to Airflow."""
    with open_page(dark=dark) as page:
        page.goto(f"{airflow.url}/auth/login/")
        page.fill("input[name=username]", USER)
        page.fill("input[name=password]", airflow.password)
        page.click("button[type=submit]")
        page.wait_for_url(lambda url: "login" not in url, timeout=120_000)
        yield page


def open_review(page: Page, airflow: Airflow, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Any:
    """Open the page on which a person answers a review. Wait until its pictures are loaded."""
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    page.goto(f"{airflow.url}/dags/{dag_id}/runs/{run_id}/tasks/{task_id}{mapped}/required_actions")
    page.wait_for_selector("button:has-text('Respond'), [data-testid^=hitl-option-]")
    page.wait_for_function("[...document.images].every(image => image.complete)")


def page_frame(page: Page, url: str) -> Any:
    """Open a tab of Airflow's UI that shows the page of documents. Return the page's frame when its data are loaded."""
    page.goto(url)
    frame = page.frame_locator("iframe")
    frame.locator("h1").first.wait_for()
    return frame
