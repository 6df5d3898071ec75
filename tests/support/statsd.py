"""Receive Airflow's StatsD metrics on a UDP socket of this machine."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.waiting import wait_until


class StatsD:
    """
    The metrics that arrived.

    :param receiver: a bound UDP socket. Its buffer keeps the packets until they are read.
    """

    def __init__(self, receiver: socket.socket) -> None:
        self._socket = receiver
        self._lines: list[str] = []

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables with which Airflow sends its metrics here, with tags in their names."""
        return {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(self.port),
            "AIRFLOW__METRICS__STATSD_PREFIX": "airflow",
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
            "AIRFLOW__METRICS__METRICS_ALLOW_LIST": "classify",
        }

    def counts(self) -> Counter[str]:
        """Return the sum of each counter, by its name with its tags and without the prefix."""
        found: Counter[str] = Counter()
        for name, value, kind in self._metrics():
            if kind == "c":
                found[name] += int(float(value))
        return found

    def milliseconds(self, name: str) -> list[float]:
        """Return the values of a timer, in milliseconds."""
        return [float(value) for found, value, kind in self._metrics() if kind == "ms" and found == name]

    def wait_for(self, name: str, value: int, seconds: float = 60) -> None:
        """Wait until a counter has at least this value."""
        wait_until(lambda: self.counts()[name] >= value, seconds, pause=0.2)

    def _metrics(self) -> Iterator[tuple[str, str, str]]:
        self._receive()
        for line in self._lines:
            name, _, rest = line.removeprefix("airflow.").partition(":")
            value, _, kind = rest.partition("|")
            yield name, value, kind

    def _receive(self) -> None:
        while True:
            try:
                packet = self._socket.recv(65536)
            except BlockingIOError:
                return
            self._lines += packet.decode().splitlines()


@contextmanager
def statsd_server() -> Iterator[StatsD]:
    """Listen on a free port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        yield StatsD(receiver)
