"""Send requests of several threads to one provider, and wait while it refuses them."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from airflow_provider_classify.api.throttle import Throttle
from airflow_provider_classify.exceptions import ApiConnectionLost, ApiUnavailable, ClassifyError, RateLimited

#: The most times that a request is sent if the provider refuses it.
ATTEMPTS = 5
#: The most times that a request is sent if its reply was lost. The provider may charge for each.
LOST_ATTEMPTS = 2
#: The longest pause that a provider may ask for, in seconds. If it asks for more, the task fails and can be retried.
LONGEST_PAUSE = 300.0

_Reply = TypeVar("_Reply")


class RequestRetrier:
    """
    Decides when a request is sent, and sent again. Thread-safe.

    After a failure or a 429, one thread sends its request after each pause, the pauses grow, and the other threads
    wait. A ``Retry-After`` delays all requests.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._throttle = Throttle(rate=None)
        self._lock = threading.Lock()
        self._clock = clock
        self._given_up = threading.Event()
        self._sleep = sleep or self._given_up.wait
        self._chance = chance

    def send(self, request: Callable[[], _Reply]) -> _Reply:
        """
        Send a request until it succeeds.

        :raises ClassifyError: the error of the last attempt, or an error after which the request is not sent again.
        """
        for attempt in count(1):
            sent_at = self._wait_for_turn()
            try:
                reply = request()
            except (RateLimited, ApiUnavailable) as error:
                self._failed(error, sent_at)
                most = LOST_ATTEMPTS if isinstance(error, ApiConnectionLost) else ATTEMPTS
                if attempt >= most or (error.retry_after or 0.0) > LONGEST_PAUSE or self._given_up.is_set():
                    raise
            else:
                with self._lock:
                    self._throttle.answered()
                return reply
        raise AssertionError("the loop has no other end")

    def pause(self, seconds: float) -> None:
        """Wait, for example between two looks at a batch."""
        self._sleep(seconds)

    def give_up(self) -> None:
        """Send no request a second time. Requests that wait for their turn are sent immediately."""
        self._given_up.set()

    def _wait_for_turn(self) -> float:
        while True:
            with self._lock:
                now = self._clock()
                pause = self._throttle.wait(now)
                if pause <= 0 or self._given_up.is_set():
                    self._throttle.take(now)
                    return now
            self._sleep(pause)

    def _failed(self, error: ClassifyError, sent_at: float) -> None:
        with self._lock:
            self._throttle.failed(error, sent_at=sent_at, now=self._clock(), chance=self._chance())
