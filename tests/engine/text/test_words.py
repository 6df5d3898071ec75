"""Words in the form in which they are compared."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.text.words import words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "d´ebut, libert´e",
            ["debut", "liberte"],
        ),  # before its letter, as older fonts of LaTeX write it
        ("he´morragies ce´re´brales", ["hemorragies", "cerebrales"]),  # after its letter
        ("M¨unchen", ["munchen"]),
        ("Franc¸ois", ["francois"]),
        ("´Etant motiv´e", ["etant", "motive"]),
        ("résumé", ["resume"]),
        ("l´été d´Anna", ["l", "ete", "d", "anna"]),  # an apostrophe, because other letters have their accents
        ("d´ej`a vu", ["deja", "vu"]),
        ("25˚C and 5˚", ["25", "c", "and", "5"]),  # a degree sign
        ("the `grep` command", ["the", "grep", "command"]),
    ],
)
def test_accents_that_a_font_writes_apart_do_not_split_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words
