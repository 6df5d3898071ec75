"""
Count the services that have escalated a document. The count stops services that escalate to each other.

A service sends the count in the header of the submit with which it escalates. Other APIs ignore the header.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: The header with the number of services that have escalated the document of a submit.
ESCALATIONS_HEADER = "Classify-Escalations"
#: The most services that escalate a document.
MAX_ESCALATIONS = 3

_current: ContextVar[int] = ContextVar("classify_escalations", default=0)


def read_escalations(header: str | None) -> int:
    """Return the number in a header, at most :data:`MAX_ESCALATIONS`; 0 for a header that is missing or not valid."""
    return min(int(header), MAX_ESCALATIONS) if header and header.isascii() and header.isdigit() else 0


def current_escalations() -> int:
    """Return how many services have escalated the document of the running job."""
    return _current.get()


@contextmanager
def escalated(count: int) -> Iterator[None]:
    """Set the number of services that have escalated the document of the job that the block runs or submits."""
    token = _current.set(count)
    try:
        yield
    finally:
        _current.reset(token)


def escalation_headers() -> dict[str, str]:
    """Return the header for a submit; none for a document that no service has escalated."""
    count = _current.get()
    return {ESCALATIONS_HEADER: str(count)} if count else {}
