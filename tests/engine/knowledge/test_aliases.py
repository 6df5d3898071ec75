"""Types by what users call them."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.knowledge.aliases import Aliases
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.text.words import label_words


@pytest.fixture(scope="module")
def aliases() -> Aliases:
    return Aliases(load_knowledge())


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("invoices", "invoice"),
        ("Rechnungen", "invoice"),
        ("factures", "invoice"),
        ("fatture", "invoice"),
        ("facturen", "invoice"),
        ("faktury", "invoice"),
        ("Verträge", "contract"),
        ("contratos", "contract"),
        ("договоры", "contract"),
        ("Briefe", "letter"),
        ("Kontoauszüge", "bank statement"),
        ("relevés de compte", "bank statement"),
        ("выписки", "bank statement"),
        ("счета", "invoice"),
        ("boarding passes", "ticket"),
        ("Spesenabrechnungen", "expense report"),
        ("memoranda", "memo"),
        ("ids", "identity card"),
        ("ads", "brochure"),
        ("pay slip", "payslip"),
        ("PaySlips", "payslip"),
        ("e-mails", "email"),
        ("data sheets", "datasheet"),
        ("請求書", "invoice"),
    ],
)
def test_plurals_cases_and_spaces(aliases: Aliases, name: str, type_name: str) -> None:
    assert aliases.find(label_words(name)) == type_name


@pytest.mark.parametrize("name", ["", "???", "xyzzy", "wallpaper", "platform", "a"])
def test_what_is_no_name(aliases: Aliases, name: str) -> None:
    assert aliases.find(label_words(name)) is None


@pytest.mark.parametrize(
    ("word", "type_name"),
    [
        ("eingangsrechnung", "invoice"),
        ("handwerkerrechnungen", "invoice"),
        ("kaufvertrage", "contract"),
        ("platform", None),
        ("", None),
    ],
)
def test_the_end_of_a_compound_says_what_it_is(aliases: Aliases, word: str, type_name: str | None) -> None:
    assert aliases.find_head(word) == type_name


def test_every_type_is_found_by_its_own_name() -> None:
    knowledge = load_knowledge()
    aliases = Aliases(knowledge)
    assert {name: aliases.find(label_words(name)) for name in knowledge.types} == {
        name: name for name in knowledge.types
    }
