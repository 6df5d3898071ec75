"""Categories as users write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_provider_classify.exceptions import InvalidCategories
from airflow_provider_classify.model.categories import (
    MAX_CATEGORIES,
    MAX_DESCRIPTION,
    MAX_NAME,
    Category,
    parse_categories,
)

INVOICE = Category("invoice")
LETTER = Category("letter", "a letter to a person")


@pytest.mark.parametrize(
    "given",
    [
        ["invoice", {"name": "letter", "description": "a letter to a person"}],
        ("invoice", LETTER),
        [" invoice ", {"name": "letter\n", "description": " a letter to a person "}],
        [{"name": "invoice", "description": None}, LETTER],
        '["invoice", {"name": "letter", "description": "a letter to a person"}]',
        '  [{"name": "invoice"}, {"description": "a letter to a person", "name": "letter"}]\n',
    ],
)
def test_categories_as_users_write_them(given: object) -> None:
    assert parse_categories(given) == (INVOICE, LETTER)


def test_the_order_of_categories_is_kept() -> None:
    names = ["z", "a", "Straße", "契約"]
    assert [category.name for category in parse_categories(names)] == names


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "empty"),
        ("[]", "empty"),
        ("", "not JSON"),
        ("invoice, letter", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"name": "invoice"}', "'invoice'; put it in a list"),
        ({"name": "invoice", "description": "a bill", "examples": []}, "'invoice'; put it in a list"),
        ("{}", "empty"),
        ({}, "empty"),
        ('{"invoice": 1}', "not a text"),
        ({1: "a bill"}, "no name"),
        ({"invoice": None, "Invoice": None}, "twice"),
        ("['invoice', 'letter']", r"add \"\| tojson\""),
        ("[{'name': 'invoice'}]", r"add \"\| tojson\""),
        ("{'invoice': None}", r"add \"\| tojson\""),
        ("[\"driver's log\", 'letter']", r"add \"\| tojson\""),
        ("None", "renders to None"),
        (["a"] * (MAX_CATEGORIES + 1), "1001 categories; give at most 1000"),
        (["a", "b" * (MAX_NAME + 1)], "201 characters; use at most 200"),
        ([{"name": "a", "description": "b" * (MAX_DESCRIPTION + 1)}], "'a' has a description of 2001 characters"),
        ('"invoice"', "not str"),
        ("5", "not int"),
        (None, "not NoneType"),
        (b"invoice", "not bytes"),
        ({"invoice", "letter"}, "not set"),
        (["invoice", "invoice"], "'invoice' is given twice"),
        (["Invoice", " invoice"], "'invoice' is given twice"),
        (["STRASSE", "straße"], "twice"),
        (["invoice", ""], "no name"),
        (["invoice", "  "], "no name"),
        ([Category("")], "no name"),
        ([{"name": 5}], "no name"),
        ([{"description": "a bill"}], "no name"),
        (["invoice", "\udcff"], "UTF-8"),
        ('[{"name": "invoice", "description": "\\ud800"}]', "UTF-8"),
        (["invoice", 5], '5 is neither a name nor an object with "name"; give one of them, such as "invoice"'),
        (["invoice", None], "None is neither"),
        ([["invoice"]], "neither"),
        ([{"name": "invoice", "description": ["a bill"]}], "not a text"),
        ([{"name": "invoice", "description": 0}], "not a text"),
        ([{"name": "invoice", "descripton": "a bill"}], "'descripton'"),
        ([{"name": "invoice", "examples": " "}], "as the folder of its examples"),
        ([{"name": "invoice", "examples": "a\0b"}], "as the folder of its examples"),
        ([{"name": "invoice", "examples": {"a.pdf": 1}}], "neither a list nor a folder"),
        ([{"name": "invoice", "examples": 5}], "neither a list nor a folder"),
        ([{"name": "invoice", "examples": [5]}], "5 that is not a path"),
        ([{"name": "invoice", "examples": ["a.pdf", " "]}], "not a path"),
        ([{"name": "invoice", "examples": ["a\0.pdf"]}], "not a path"),
    ],
)
def test_categories_that_make_no_sense(given: object, words: str) -> None:
    with pytest.raises(InvalidCategories, match=words):
        parse_categories(given)


def test_an_object_of_descriptions_is_read() -> None:
    for given in ({"invoice": None, "letter": "a letter to a person"}, {"letter": "a letter to a person", "name": ""}):
        names = list(given)
        assert [category.name for category in parse_categories(given)] == names
        assert parse_categories(given) == parse_categories(json.dumps(given))
    assert parse_categories({"invoice": None, "letter": "a letter to a person"}) == (INVOICE, LETTER)


def test_what_is_just_within_the_limits_is_read() -> None:
    names = [f"{number:0{MAX_NAME}}" for number in range(MAX_CATEGORIES)]
    assert len(parse_categories(names)) == MAX_CATEGORIES
    assert parse_categories([{"name": "a", "description": " " + "b" * MAX_DESCRIPTION}])


LONG = "x" * 1_000_000


@pytest.mark.parametrize(
    "given",
    [
        LONG,
        f"['{LONG}']",
        [LONG],
        [[LONG]],
        [{LONG: LONG}],
        [{"name": "a", LONG: 1}],
        [{"name": "a", "description": [LONG]}],
        [{"name": "a", "examples": [LONG + "\0"]}],
        [{"name": "a", "examples": LONG + "\0"}],
        {"name": LONG},
        {"a": LONG},
        [LONG] * 1_001,
        [LONG] * 2,
        [["x"] * 1_000_000],
    ],
)
def test_an_error_does_not_repeat_what_is_long(given: object) -> None:
    with pytest.raises(InvalidCategories) as raised:
        parse_categories(given)
    assert len(str(raised.value)) < 1_000


def test_examples_are_read_and_never_sent() -> None:
    (category,) = parse_categories([{"name": "slip", "examples": ["a.pdf", "b.pdf"]}])
    assert category == Category("slip", examples=("a.pdf", "b.pdf"))
    assert parse_categories([category]) == (category,)
    assert parse_categories('[{"name": "slip", "examples": null}]') == (Category("slip"),)
    assert category.to_json() == {"name": "slip"}


def test_a_category_may_name_a_folder_of_examples() -> None:
    (category,) = parse_categories([{"name": "slip", "examples": "/learned/slip"}])
    assert category == Category("slip", examples_folder="/learned/slip")
    assert parse_categories([{"name": "slip", "examples": Path("/learned/slip")}]) == (category,)
    assert parse_categories([category]) == (category,)
    assert category.to_json() == {"name": "slip"}


def test_a_fingerprint_has_a_folder_only_where_there_is_one() -> None:
    assert Category("slip", examples=("a.pdf",)).to_fingerprint() == {
        "name": "slip",
        "description": "",
        "examples": ("a.pdf",),
    }
    assert Category("slip", examples_folder="/learned").to_fingerprint()["examples_folder"] == "/learned"


def test_a_category_without_description_is_sent_without_one() -> None:
    assert [category.to_json() for category in (INVOICE, LETTER)] == [
        {"name": "invoice"},
        {"name": "letter", "description": "a letter to a person"},
    ]
