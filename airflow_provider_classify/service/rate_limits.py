"""Limit the requests of each key in a minute."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from airflow_provider_classify.service.api_keys import Key
from airflow_provider_classify.service.errors import rate_limited


class RateLimits:
    """
    The requests that each key may still make. All methods are thread-safe.

    A key starts with the requests of one minute. Each request uses one of them, and they are refilled at an even rate.
    Each process of the service counts only its own requests.

    :param clock: returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        #: By the name of the key: the requests that were left, and the time at which they were counted.
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: Key) -> None:
        """
        Count a request.

        :raises HttpError: 429, the key has no requests left. ``Retry-After`` has the seconds until the next one.
        """
        if key.rate is None:
            return
        now = self._clock()
        with self._lock:
            left, since = self._left.get(key.name, (float(key.rate), now))
            left = min(float(key.rate), left + (now - since) * key.rate / 60)
            is_allowed = left >= 1
            self._left[key.name] = (left - 1 if is_allowed else left, now)
        if not is_allowed:
            raise rate_limited(key.rate, math.ceil((1 - left) * 60 / key.rate))
