"""
Restrict the documents that tasks of this Airflow may read: ``[classify] allowed_roots``.

A templated ``document`` can name any file of the worker, and any object or URL that the worker can reach. The setting
restricts documents to folders and URI prefixes. :class:`~.document.Document` checks it before it reads a document, and
before it sends a URL to an API. The command line and the service do not run in tasks and do not check it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from airflow_provider_classify.documents.reference import is_http_url, label_of, local_path, scheme_of
from airflow_provider_classify.exceptions import DocumentNotAllowed
from airflow_provider_classify.model.categories import Category

_MAX_DECODINGS = 5
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class _Location:
    """
    A URI or URL, split into parts for comparison.

    ``user`` is the connection id of an object-storage URI, or user and password of a URL.
    """

    scheme: str
    user: str
    host: str
    segments: tuple[str, ...]

    def contains(self, other: _Location) -> bool:
        """Return whether the other location is under this one. An empty user, or a scheme alone, allows all."""
        return (
            self.scheme == other.scheme
            and self.user in ("", other.user)
            and (self.host == other.host or not (self.host or self.segments))
            and self.segments == other.segments[: len(self.segments)]
        )


def require_allowed(reference: str, *, label: str | None = None) -> None:
    """
    Raise an error if the setting does not allow a document.

    :param label: names the document in the error. The default is the label of the reference.
    :raises DocumentNotAllowed: the document is not under one of the allowed roots.
    """
    setting = _setting()
    if setting and not is_allowed(reference, roots_of(setting)):
        raise DocumentNotAllowed(
            f"The document {label or label_of(reference)} is not under one of the folders and prefixes that "
            "[classify] allowed_roots of Airflow's configuration lists; add its folder there, or move the document."
        )


def require_allowed_examples(categories: Iterable[Category]) -> None:
    """Check the examples of categories. :raises DocumentNotAllowed: the setting does not allow one of them."""
    for category in categories:
        for example in category.examples:
            require_allowed(os.path.realpath(example) if category.examples_folder else example, label=example)


def roots_of(setting: str) -> list[str]:
    """
    Split the setting at commas and line breaks.

    :raises DocumentNotAllowed: a folder in it is relative.
    """
    roots = [root.strip() for root in re.split(r"[,\n]", setting) if root.strip()]
    for root in roots:
        folder = local_path(root)
        if folder is not None and not folder.expanduser().is_absolute():
            raise DocumentNotAllowed(
                f"No document is read while [classify] allowed_roots has the relative folder {root!r}; "
                "write it as an absolute path."
            )
    return roots


def is_allowed(reference: str, roots: Iterable[str]) -> bool:
    """
    Return whether a document is under one of the roots.

    Symbolic links are resolved. A URI or URL that a server may understand as another location (with ``..``, a
    backslash or a control character) is never allowed.
    """
    path = local_path(reference)
    if path is not None:
        return any(_is_in_folder(path, folder) for root in roots if (folder := local_path(root)) is not None)
    location = _location(reference)
    return location is not None and any(
        prefix.contains(location) for root in roots if (prefix := _location(root)) is not None
    )


def _is_in_folder(path: Path, folder: Path) -> bool:
    try:
        real_path, real_folder = os.path.realpath(path), os.path.realpath(folder.expanduser())
        return os.path.commonpath([real_path, real_folder]) == real_folder
    except ValueError:  # a null byte
        return False


def _location(uri: str) -> _Location | None:
    """Split a URI or URL. Return ``None`` for a path, and for a URI or URL whose location is ambiguous."""
    scheme = scheme_of(uri)
    rest = uri.partition("://")[2]
    is_http = is_http_url(uri)
    if not scheme or re.search(r"[\x00-\x1f\x7f]" + (r"|\\" if is_http else "|::"), rest):
        return None
    if is_http:
        rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    authority, _, path = rest.partition("/")
    if ".." in (_segments_as_read(path) if is_http else path.split("/")):
        return None
    user, _, host = authority.rpartition("@")
    if is_http:
        host = host.lower().removesuffix(_DEFAULT_PORTS[scheme])
    segments = [_plain(segment) if is_http else segment for segment in path.split("/")]
    while segments and not segments[-1]:
        segments.pop()
    return _Location(scheme, user, host, tuple(segments))


def _plain(segment: str) -> str:
    """Decode a segment of a URL's path. Keep an encoded slash, which some servers do not treat as a slash."""
    decoded = unquote(segment)
    return segment if "/" in decoded else decoded


def _segments_as_read(path: str) -> list[str]:
    """
    Return the segments of a path as a server may understand them.

    A proxy and the server behind it may each decode the path. Some servers ignore the text after a semicolon.
    """
    for _ in range(_MAX_DECODINGS):
        path = unquote(path)
    return [segment.partition(";")[0] for segment in re.split(r"[/\\]", path)]


def _setting() -> str:
    from airflow.providers.common.compat.sdk import conf

    return str(conf.get("classify", "allowed_roots", fallback="") or "")
