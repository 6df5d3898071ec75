"""Make the text of other programs and users safe for log lines, errors and files."""

from __future__ import annotations


def quotable(words: str, limit: int) -> str:
    """
    Return text on one line, without control characters, cut to ``limit`` characters.

    Line breaks, ANSI codes, surrogates and characters that change the direction of writing are escaped as in
    a Python string. So they cannot forge a log line or control a terminal.
    """
    shown = words[:limit]
    if not shown.isprintable():
        shown = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode() for character in shown
        )
    return shown if len(words) <= limit and len(shown) <= limit else shown[: limit - 1] + "…"


def encodable(text: str) -> str:
    """Escape the characters that UTF-8 cannot encode, such as the bytes of a file name in another encoding."""
    return text.encode("utf-8", "backslashreplace").decode()
