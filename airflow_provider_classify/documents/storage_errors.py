"""Convert the errors of storage clients into errors of this package."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from airflow_provider_classify.exceptions import StorageError, StorageForbidden, StorageNotFound, StorageUnavailable

#: The errors of storage clients for missing or wrong credentials. They have no HTTP status.
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


def storage_error(error: Exception, action: str, *, label: str, conn_id: str | None, is_local: bool) -> StorageError:
    """
    Return the error of this package for the error of a storage client.

    :param action: the failed action as a participle, such as ``written``.
    :param label: names the file or folder.
    :param conn_id: the connection of the storage, if the URI names one.
    :param is_local: whether the file is on this machine.
    """
    connection = f"the connection {quote_conn_id(conn_id)}" if conn_id else "the storage's own credentials"
    status = _http_status(error)
    subject = f"{label} cannot be {action} ({reason_of(error)})"
    if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)) or status == 404:
        causes = "the path" if is_local else f"its bucket or container, its path and {connection}"
        return StorageNotFound(f"{subject}; check {causes}.")
    if isinstance(error, PermissionError) or status in (401, 403) or _is_without_credentials(error):
        causes = "its permissions" if is_local else f"the permissions of {connection}"
        return StorageForbidden(f"{subject}; check {causes}.")
    causes = "the disk" if is_local else f"the storage and {connection}"
    return StorageUnavailable(f"{subject}; check {causes}, and retry.")


def quote_conn_id(conn_id: str) -> str:
    """Return a connection id in quotes. If the URI has a user and a password in its place, hide the password."""
    user, colon, _ = conn_id.partition(":")
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


def reason_of(error: BaseException) -> str:
    """
    Return a short reason for the failure of a storage.

    The reason does not contain the message of the storage client, because that can contain a signed URL or a key. The
    error's cause has the message.
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
