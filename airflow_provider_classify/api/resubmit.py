"""Decide whether a submit that failed is sent again. The decisions are pure functions."""

from __future__ import annotations

from airflow_provider_classify.exceptions import (
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    ClassifyError,
    InvalidReply,
    RateLimited,
)

#: Pauses between the attempts of one submit, in seconds, if the server names none.
_SUBMIT_PAUSES = (1.0, 2.0, 4.0, 8.0)
#: The longest ``Retry-After`` that a submit waits for, in seconds.
_LONGEST_SUBMIT_PAUSE = 60.0
#: A request that failed with one of these errors has begun no job.
_NOT_TAKEN = (ApiNotReached, RateLimited, ApiOverloaded)


def may_have_been_taken(error: ClassifyError) -> bool:
    """Return whether a submit that failed so may have begun a job."""
    return isinstance(error, (ApiUnavailable, InvalidReply)) and not isinstance(error, _NOT_TAKEN)


def pause_before_resubmit(error: ClassifyError, attempt: int, *, repeatable: bool = False) -> float | None:
    """
    Decide whether a submit that failed for the ``attempt``-th time (from 1) is sent again, and when.

    It is only if the request surely began no job: not reached, 429, or a 503 that says so. Any other
    failure may have begun one, and sending again could pay twice.

    :param repeatable: sending it again does no harm: it has a key that the server is known to honour,
        or it is not a submit. Then 408, 5xx, a lost connection and a reply that is not the API's (a proxy's
        page, half of a reply) are reasons to try again too.
    :returns: seconds to wait, or ``None`` to give up.
    """
    passing = (ApiUnavailable, RateLimited, InvalidReply) if repeatable else _NOT_TAKEN
    if not isinstance(error, passing) or attempt > len(_SUBMIT_PAUSES):
        return None
    pause = max(_SUBMIT_PAUSES[attempt - 1], error.retry_after or 0.0)
    return pause if pause <= _LONGEST_SUBMIT_PAUSE else None
