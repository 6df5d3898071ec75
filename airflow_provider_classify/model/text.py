"""Words of others, made fit for a log line or an error message."""

from __future__ import annotations


def quotable(words: str, limit: int) -> str:
    """
    Return the words on one line, without control characters and not longer than ``limit`` characters.

    Line breaks, ANSI codes, surrogates and characters that change the direction of writing are escaped as in
    a Python string, so they can neither forge a log line nor steer a terminal.
    """
    shown = words[:limit]
    if not shown.isprintable():
        shown = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode() for character in shown
        )
    return shown if len(words) <= limit and len(shown) <= limit else shown[: limit - 1] + "…"
