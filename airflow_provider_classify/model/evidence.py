"""Describe the evidence of a result for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Descriptions of the evidence that is not text of the document, by its name in a result.
_NOT_TEXT = {"layout": "the layout of the page", "look": "the look of the page"}


def described(found: Mapping[str, Any]) -> tuple[Any, bool]:
    """
    Return the line or text of an object in ``evidence``, and whether it is a quotation from the document.

    The object comes from a server, so the text can have any type.
    """
    line, text = found.get("line"), found.get("text")
    if not line and isinstance(text, str) and text in _NOT_TEXT and not found.get("box"):
        return _NOT_TEXT[text], False
    return line or text, True
