"""Read the catalogue of a PDF, which refers to the data of the whole document."""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_classify.engine.reading.mupdf_errors import MUPDF_ERRORS

#: The most associated files of the PDF that are examined for an encrypted document.
_MAX_FILES = 200


class Catalogue:
    """
    The catalogue of a PDF, which refers to the data of the whole document (ISO 32000-2, 7.7.2).

    Most PDFs have few of its keys. Listing the keys once is faster than reading each of them. A damaged catalogue has
    no keys.
    """

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        try:
            self._number = opened.pdf_catalog()
            self._keys = frozenset(opened.xref_get_keys(self._number))
        except MUPDF_ERRORS:
            self._keys = frozenset()

    def has(self, key: str) -> bool:
        """Return whether a key has a value."""
        return key in self._keys and self.value(key)[0] != "null"

    def value(self, path: str) -> tuple[str, str]:
        """
        Return the kind and the value of a key, or of a key in the dictionary of a key, such as ``AcroForm/XFA``.

        Both are ``null`` if the key is missing or damaged.
        """
        if path.partition("/")[0] not in self._keys:
            return "null", "null"
        try:
            kind, value = self._opened.xref_get_key(self._number, path)
        except MUPDF_ERRORS:
            return "null", "null"
        return kind, value

    def has_encrypted_payload(self) -> bool:
        """Return whether one of the PDF's associated files is an encrypted document that the PDF wraps."""
        kind, value = self.value("AF")
        try:
            if kind == "xref":
                value = self._opened.xref_object(int(value.split()[0]))
            numbers = [int(number) for number in re.findall(r"(\d+) \d+ R", value)][:_MAX_FILES]
            return any(self._opened.xref_get_key(n, "AFRelationship")[1] == "/EncryptedPayload" for n in numbers)
        except MUPDF_ERRORS:
            return False
