from __future__ import annotations

import pytest

from airflow_provider_classify.model.printable_text import quotable


@pytest.mark.parametrize(
    ("words", "quoted"),
    [
        ("The file is corrupt – é 契約.", "The file is corrupt – é 契約."),
        ("a\nINFO - forged", "a\\nINFO - forged"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\u202egnp", "\\u202egnp"),
        ("\ud800", "\\ud800"),
        ("a\u2028b\x00", "a\\u2028b\\x00"),
        ("", ""),
    ],
)
def test_words_that_are_quoted_stay_on_one_line_and_steer_nothing(words: str, quoted: str) -> None:
    assert quotable(words, 100) == quoted
    assert quotable(words, 100).isprintable()


@pytest.mark.parametrize("words", ["x" * 11, "x" * 1_000_000, "\n" * 10, "\n" * 6])
def test_words_that_are_too_long_are_cut_to_the_limit(words: str) -> None:
    assert len(quotable(words, 10)) == 10
    assert quotable(words, 10).endswith("…")


def test_words_of_just_the_limit_are_whole() -> None:
    assert quotable("x" * 10, 10) == "x" * 10
