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
_NOT_ACCEPTED = (ApiNotReached, RateLimited, ApiOverloaded)


def may_have_begun_job(error: ClassifyError) -> bool:
    """Return whether a submit that failed with this error may have begun a job."""
    return isinstance(error, (ApiUnavailable, InvalidReply)) and not isinstance(error, _NOT_ACCEPTED)


def pause_before_resubmit(error: ClassifyError, attempt: int, *, repeatable: bool = False) -> float | None:
    """
    Decide whether a failed request is sent again, and when.

    A submit is sent again only if it has begun no job: the server was not reached, or replied with 429 or an
    overload (503). After any other failure a second submit might begin and charge a second job.

    :param attempt: the number of attempts that failed, from 1.
    :param repeatable: whether the request can be repeated safely, because it is not a submit or the server honours
        its key. Then it is also sent again after 408, 5xx, a lost connection and a reply that breaks the contract,
        such as a proxy's page.
    :returns: the seconds to wait, or ``None`` to end with the error.
    """
    retryable_types = (ApiUnavailable, RateLimited, InvalidReply) if repeatable else _NOT_ACCEPTED
    if not isinstance(error, retryable_types) or attempt > len(_SUBMIT_PAUSES):
        return None
    pause = max(_SUBMIT_PAUSES[attempt - 1], error.retry_after or 0.0)
    return pause if pause <= _LONGEST_SUBMIT_PAUSE else None
