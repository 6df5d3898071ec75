"""Wait for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(happened: Callable[[], object], seconds: float = 120, *, pause: float = 0.01) -> None:
    """Return when ``happened`` says so, asked with this ``pause`` in seconds; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "What the test waits for did not happen."
        time.sleep(pause)
