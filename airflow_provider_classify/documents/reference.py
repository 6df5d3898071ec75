"""Parse the reference of a document: its kind, label and file name. Nothing is read from a storage."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from airflow_provider_classify.exceptions import InvalidDocument

_LOCAL_SCHEMES = ("file", "local")
_HTTP_SCHEMES = ("http", "https")


def parse_reference(value: object) -> str:
    """
    Return a reference as text.

    :param value: a path, URI or URL as text; an ``os.PathLike``; an ``ObjectStoragePath``, also one that
        came through XCom.
    :raises InvalidDocument: the value is ``None``, empty, or of another type.
    """
    if is_storage_path(value):
        return str(value)  # in Airflow 2 an ObjectStoragePath is also a PathLike, but that path lacks the connection id
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if value is None:
        raise InvalidDocument("The document is None; check that the task or template it comes from returned a path.")
    if not isinstance(value, str):
        raise InvalidDocument(
            f"The document is a {type(value).__name__}; give one path, URI or URL, "
            "or give several to a ClassifyBatchOperator or to expand()."
        )
    if not value.strip():
        raise InvalidDocument("The document is an empty text; give a path, URI or URL.")
    return value


def is_storage_path(value: object) -> bool:
    """Return whether a value is an ``ObjectStoragePath``. The check uses its attributes to avoid an Airflow import."""
    return hasattr(type(value), "protocol") and hasattr(type(value), "fs")


def scheme_of(reference: str) -> str:
    """Return the scheme in lower case; an empty text for a path."""
    scheme, separator, _ = reference.partition("://")
    return scheme.lower() if separator else ""


def is_http_url(reference: str) -> bool:
    """Return whether this is an ``http`` or ``https`` URL."""
    return scheme_of(reference) in _HTTP_SCHEMES


def local_path(reference: str) -> Path | None:
    """Return the local path of a path or a ``file://`` URI; ``None`` for any other reference."""
    scheme = scheme_of(reference)
    if not scheme:
        return Path(reference)
    if scheme not in _LOCAL_SCHEMES:
        return None
    authority, slash, path = reference.partition("://")[2].partition("/")
    return Path(f"{authority.rpartition('@')[2]}{slash}{path}")  # ObjectStoragePath allows a connection id here, too


def label_of(reference: str) -> str:
    """
    Return the reference for messages and records, without the user, password, query and fragment of a URL.

    The label keeps the connection id of an object-storage URI (``s3://conn_id@bucket/key``). The id is not a secret,
    and a task that reads the label from XCom needs it to open the document.
    """
    scheme = scheme_of(reference)
    if not scheme:
        return reference
    written_scheme, _, rest = reference.partition("://")
    if scheme in _HTTP_SCHEMES:
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    else:
        rest = re.split(r"\?(?=[^/]*=)", rest, maxsplit=1)[0]  # a key may have "?" and "#", but not a signature
    authority, slash, path = rest.partition("/")
    user, _, host = authority.rpartition("@")
    if scheme not in _HTTP_SCHEMES and user and ":" not in user:
        host = f"{user}@{host}"
    return f"{written_scheme}://{host}{slash}{path}"


def name_of(reference: str) -> str:
    """Return the file name, for an upload; ``document`` for a reference without a file name."""
    if not scheme_of(reference):
        return PurePosixPath(reference).name or "document"
    path = label_of(reference).partition("://")[2].partition("/")[2]
    return PurePosixPath(unquote(path)).name or "document"
