"""
The trace (W3C Trace Context) of a request or a job, for its log lines and for the requests that it sends.

A client names its trace in the header ``traceparent``. This package records no spans itself.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

#: The header of a trace.
TRACE_HEADER = "traceparent"
#: version, trace id, parent id and flags. A later version may have more fields.
_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

_current: ContextVar[Trace | None] = ContextVar("classify_trace", default=None)


@dataclass(frozen=True, slots=True)
class Trace:
    """
    A position in a trace.

    :param trace_id: 32 hexadecimal digits, the same for everything that one request leads to.
    :param parent_id: 16 hexadecimal digits that name the request's span.
    :param flags: two hexadecimal digits, such as 01 for a trace that is recorded.
    """

    trace_id: str
    parent_id: str
    flags: str

    @classmethod
    def parse(cls, header: str | None) -> Trace | None:
        """Return the trace in the header; ``None`` if the header is missing or not valid."""
        match = _TRACEPARENT.fullmatch(header or "")
        if match is None or (match[1] == "00" and match[5]):
            return None
        return cls(match[2], match[3], match[4])

    def header(self) -> str:
        """Return the value of the header that names this position."""
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags}"

    def child(self) -> Trace:
        """Return a new position in the same trace, for a request that follows from this one."""
        return Trace(self.trace_id, secrets.token_hex(8), self.flags)


def current_trace() -> Trace | None:
    """Return the trace that the running request or job belongs to, if any."""
    return _current.get()


def enter_trace(header: str | None) -> None:
    """Make the trace in a header the current one for the rest of the running asyncio task."""
    _current.set(Trace.parse(header))


@contextmanager
def traced(header: str | None) -> Iterator[None]:
    """Make the trace in a header the current one while the block runs. A header that is not valid sets no trace."""
    token = _current.set(Trace.parse(header))
    try:
        yield
    finally:
        _current.reset(token)


def outgoing_headers() -> dict[str, str]:
    """Return the headers with which a request continues the current trace; none outside of a trace."""
    trace = _current.get()
    return {TRACE_HEADER: trace.child().header()} if trace else {}
