"""List the documents of a packet, and name their files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from airflow_provider_classify.exceptions import DocumentNotSplittable

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
#: The most characters of the packet's name, and of a category, in the name of a document.
_MAX_STEM, _MAX_CATEGORY = 80, 40


def documents_in(result: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    """
    Return the documents that a result lists. A file of one page is one document.

    :param result: a result as a JSON object.
    :param name: the file's name in errors.
    :raises DocumentNotSplittable: the result lists no documents, because its classifier does not find them; or the
        document was classified by a file in it, such as an attachment.
    """
    if result.get("read_from"):
        raise DocumentNotSplittable(
            f"The document {name!r} was classified by the file {result['read_from']!r} in it; split that file."
        )
    if isinstance(found := result.get("documents"), list):
        return found
    if result.get("total_pages") == 1:
        category = result.get("classification")
        return [{"category": category, "pages": [1], "confidence": result.get("confidence", 0.0)}]
    raise DocumentNotSplittable(
        f"The result of {name!r} does not list the documents in it; classify it with the local engine, "
        "or with a server of this package."
    )


def piece_name(packet: str, number: int, category: str | None) -> str:
    """
    Return the file name of a document of a packet.

    It consists of the packet's name, a hash of the packet's label, the document's number and its category. A retry
    writes the same names, so it replaces the files. Because of the hash, packets of the same name from different
    folders have different files.

    :param packet: the label of the packet.
    :param number: the number of the document in it, from 1.
    """
    stem = _safe(PurePosixPath(packet.rstrip("/")).stem)[:_MAX_STEM] or "packet"
    fingerprint = hashlib.sha256(packet.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{stem}-{fingerprint}-{number:02d}-{_safe(category or 'unread')[:_MAX_CATEGORY] or 'document'}.pdf"


def _safe(text: str) -> str:
    return _NOT_IN_NAMES.sub("-", text).strip("-.")
