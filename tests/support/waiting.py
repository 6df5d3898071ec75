"""Wait for a condition that another thread or process fulfils."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(happened: Callable[[], object], seconds: float = 120, *, pause: float = 0.01) -> None:
    """Call ``happened`` every ``pause`` seconds until it returns true. Fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "The condition that the test waits for was not fulfilled."
        time.sleep(pause)
