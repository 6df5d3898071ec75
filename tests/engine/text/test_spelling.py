"""Words as OCR misreads them."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.text.spelling import Spelling

SPELLING = Spelling(["invoice", "department", "information", "surname", "offering", "contract", "archivo", "format"])


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("lnvoice", "invoice"),
        ("invo1ce", "invoice"),
        ("inv0ice", "invoice"),
        ("depariment", "department"),
        ("inforrnation", "information"),
        ("sumame", "surname"),
        ("ofering", "offering"),
    ],
)
def test_what_print_makes_alike_is_put_right(read: str, meant: str) -> None:
    assert SPELLING.corrected(read) == meant


@pytest.mark.parametrize(
    "word",
    [
        "invoice",
        "contracts",  # another form of a known word
        "archive",  # the same in another language
        "lnv01ce5",  # more letters wrong than right
        "conduct",
        "fonn",  # too short to tell
        "1015151",
    ],
)
def test_other_words_stay(word: str) -> None:
    assert SPELLING.corrected(word) == word


def test_a_word_that_looks_like_two_stays() -> None:
    assert Spelling(["forest", "other"]).corrected("fcrest") == "forest"
    assert Spelling(["forest", "ferest"]).corrected("fcrest") == "fcrest"
