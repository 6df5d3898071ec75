"""Turn what storage clients raise into a :class:`StorageError` that names the file and the connection."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from airflow_provider_classify.exceptions import StorageError, StorageForbidden, StorageNotFound, StorageUnavailable

#: Errors of storage clients that say "no or wrong credentials" without an HTTP status.
_WITHOUT_CREDENTIALS = frozenset(
    {
        "ClientAuthenticationError",
        "CredentialRetrievalError",
        "CredentialUnavailableError",
        "DefaultCredentialsError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "RefreshError",
        "TokenRetrievalError",
    }
)


def storage_error(error: Exception, action: str, label: str, conn_id: str | None) -> StorageError:
    """
    Return the error for a failed access to a file.

    :param error: what the storage's client raised.
    :param action: what was tried, as in "cannot be <action>".
    :param label: the file, as it may be shown.
    :param conn_id: the Airflow connection, if the URI names one.
    """
    connection = f"the connection {quoted(conn_id)}" if conn_id else "the storage's own credentials"
    scheme = label.partition("://")[0].lower() if "://" in label else ""
    is_local = scheme in ("", "file", "local")
    status = _http_status(error)
    subject = f"{label} cannot be {action} ({reason(error)})"
    if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)) or status == 404:
        names = "the path" if is_local else f"its bucket or container, its path and {connection}"
        return StorageNotFound(f"{subject}; check {names}.")
    if isinstance(error, PermissionError) or status in (401, 403) or _is_without_credentials(error):
        names = "its permissions" if is_local else f"what {connection} may do there"
        return StorageForbidden(f"{subject}; check {names}.")
    names = "the disk" if is_local else f"the storage and {connection}"
    return StorageUnavailable(f"{subject}; check {names}, and retry.")


def quoted(conn_id: str | None) -> str:
    """Quote a connection id. A URI of another tool may have a user and a password in its place."""
    user, colon, _ = (conn_id or "").partition(":")
    return repr(f"{user}:***" if colon else user)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _http_status(error: BaseException) -> int | None:
    """Return the HTTP status in an error of botocore, azure-core, gcsfs or aiohttp, or in its causes."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        else:
            status = next(
                (value for name in ("status_code", "status", "code") if (value := getattr(link, name, None))), None
            )
        if str(status).isdecimal() and 400 <= int(str(status)) <= 599:
            return int(str(status))
    return None


def _is_without_credentials(error: BaseException) -> bool:
    return any(cls.__name__ in _WITHOUT_CREDENTIALS for link in _chain(error) for cls in type(link).__mro__)


def reason(error: BaseException) -> str:
    """
    Say in a few words why a storage failed.

    Its own words are not repeated: they may hold a signed URL or a key. They stand in the error's cause.
    """
    reasons = [type(error).__name__]
    if isinstance(error, OSError) and error.errno:
        reasons.append(os.strerror(error.errno))
    for link in _chain(error):
        response = getattr(link, "response", None)
        code = (
            response.get("Error", {}).get("Code") if isinstance(response, dict) else getattr(link, "error_code", None)
        )
        if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", code):
            reasons.append(code)
            break
    if status := _http_status(error):
        reasons.append(f"HTTP {status}")
    return ", ".join(dict.fromkeys(reasons))
