"""
Map the errors of pydantic-ai to errors of this package.

A provider's own message is not quoted, because it can contain a part of the key or of the document. The cause is
chained.
"""

from __future__ import annotations

from pydantic_ai import exceptions as ai

from airflow_provider_classify.exceptions import (
    AnswerCutOff,
    ApiConnectionLost,
    ApiNotReached,
    ApiOverloaded,
    ApiUnavailable,
    AuthenticationRejected,
    ClassifyError,
    ConnectionNotUsable,
    DocumentOverUsageLimit,
    DocumentRefused,
    DocumentTooLarge,
    InvalidReply,
    QuotaExceeded,
    RateLimited,
    RequestRejected,
)
from airflow_provider_classify.model.printable_text import quotable


def named(error: Exception, document: str, conn_id: str) -> ClassifyError | None:
    """
    Return the error of this package for an error of a pydantic-ai run.

    :param document: the document that the model was asked about.
    :param conn_id: the connection to the model.
    :returns: ``None`` for an error that is not one of a model or its provider.
    """
    if isinstance(error, ExceptionGroup):  # all models of a fallback chain failed
        found = [named(one, document, conn_id) for one in error.exceptions]
        return next(filter(None, found), None)
    if isinstance(error, ai.UsageLimitExceeded):
        return DocumentOverUsageLimit(
            f"The model used more for {document} than usage_limits of the connection {conn_id!r} allows; raise them, "
            "or send fewer or smaller pages."
        )
    if isinstance(error, ai.ContentFilterError):
        return DocumentRefused(
            f"The model of the connection {conn_id!r}, or its content filter, refused {document}; let a person sort it."
        )
    if isinstance(error, ai.OutputTokenLimitExceeded):
        return AnswerCutOff(
            f"The answer of the model about {document} was cut off; raise max_tokens of the connection {conn_id!r}."
        )
    if isinstance(error, ai.UnexpectedModelBehavior):
        return InvalidReply(
            f"The model of the connection {conn_id!r} gave no valid answer about {document}; retry, or use a model "
            "that supports structured output."
        )
    return _named_api_error(error, document, conn_id) if isinstance(error, ai.ModelAPIError) else None


def _named_api_error(error: ai.ModelAPIError, document: str, conn_id: str) -> ClassifyError:
    model = f"The provider of the model {quotable(error.model_name, 80)!r} (connection {conn_id!r})"
    said = _code(error)
    match error:
        case ai.ModelContextWindowExceededError():
            return DocumentTooLarge(
                f"{document} is longer than the model {quotable(error.model_name, 80)!r} accepts; lower max_pages or "
                f"image_px of the connection {conn_id!r}."
            )
        case ai.ModelAuthenticationError():
            return AuthenticationRejected(f"{model} rejected the key{said}; check it in the model's connection.")
        case ai.ModelQuotaExceededError():
            return QuotaExceeded(f"{model} says that the account has no quota left{said}; raise it there.")
        case ai.ModelNotFoundError():
            return ConnectionNotUsable(f"{model} does not know the model{said}; correct its name or the URL.")
        case ai.ModelRequestRejectedError():
            return RequestRejected(
                f"{model} rejected the question about {document}{said}; check that the model accepts what send "
                "selects, and set logprobs to false if it does not know them."
            )
        case ai.ModelRateLimitError():
            return RateLimited(f"{model} limits its requests{said}; retry later.", retry_after=error.retry_after)
        case ai.ModelOverloadedError():
            return ApiOverloaded(f"{model} is overloaded{said}; retry later.", retry_after=error.retry_after)
        case ai.ModelRequestTimeout() | ai.ModelTimeoutError():
            return ApiConnectionLost(
                f"{model} did not answer about {document} in time; retry, or raise request_timeout."
            )
        case ai.ModelConnectionError(phase="pool" | "connect"):
            return ApiNotReached(f"{model} cannot be reached; check the URL and the network.")
        case ai.ModelConnectionError():
            return ApiConnectionLost(f"The connection to {model[0].lower()}{model[1:]} broke; retry later.")
    return ApiUnavailable(f"{model} failed{said}; retry later.", retry_after=error.retry_after)


def _code(error: ai.ModelAPIError) -> str:
    """Return the status and the code of an error for a message; an empty string if it has none."""
    status = f"HTTP {error.status_code}" if isinstance(error, ai.ModelHTTPError) else ""
    code = quotable(str(error.provider_error_code or error.provider_error_type or ""), 60)
    said = ", ".join(filter(None, (status, code)))
    return f" ({said})" if said else ""
