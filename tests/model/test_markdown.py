"""Text of documents in Markdown. The system tests of reviews check it in a browser, in Airflow's UI."""

from __future__ import annotations

import re

import pytest

from airflow_provider_classify.model.markdown import escape, link, linked_image


def plain(markdown: str) -> str:
    """Return what a reader of the Markdown sees, without the invisible word joiners."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")


@pytest.mark.parametrize(
    "text",
    ["# Title", "![x](http://evil.example/x.png)", "[pay](javascript:alert(1))", "<img src=x>", "a | b", "`code` *b*"],
)
def test_all_punctuation_is_escaped(text: str) -> None:
    escaped = escape(text)
    assert plain(escaped) == text
    assert not re.search(r"(?<!\\)[!#\[\]()<>|`*]", escaped)


@pytest.mark.parametrize(
    "text", ["http://evil.example", "www.evil.example", "mailto:me@evil.example", "me@evil.example"]
)
def test_nothing_looks_like_a_link(text: str) -> None:
    shown = re.sub(r"\\(.)", r"\1", escape(text))
    assert not re.search(r"(https?://|www\.|\w@\w)", shown)
    assert shown.replace("\u2060", "") == text


def test_lines_and_control_characters_cannot_leave_the_line() -> None:
    assert escape("one\n\n# two\r\n\x1b[31mred\u202eleft") == r"one \# two \\x1b\[31mred\\u202eleft"


def test_long_text_is_cut() -> None:
    assert escape("x" * 500, 10) == "x" * 9 + "…"


def test_the_target_of_a_link_cannot_end_early() -> None:
    assert link("a]b", "http://x.example/a b)(c>\n") == r"[a\]b](http://x.example/a%20b%29%28c%3E%0A)"
    assert linked_image("p", "classify/1").count("(classify/1)") == 2
