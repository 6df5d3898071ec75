"""What a user's categories mean."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.categories.meanings import Meaning, meanings_of
from airflow_provider_classify.engine.categories.related_types import BY_PARENT, BY_RELATION
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.model.categories import Category


def meant(*names: str, **descriptions: str) -> list[Meaning]:
    return meanings_of([Category(name, descriptions.get(name, "")) for name in names], load_knowledge())


def foremost(meaning: Meaning) -> str:
    return max(meaning.types, key=lambda name: meaning.types[name])


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("bank statement", "bank statement"),
        ("Bank_Statements", "bank statement"),
        ("BankStatement", "bank statement"),
        ("bank-statement", "bank statement"),
        ("KONTOAUSZUG", "bank statement"),
        ("relevé bancaire", "bank statement"),
        ("发票", "invoice"),
        ("CVs", "resume"),
        ("contract papers", "contract"),
    ],
)
def test_a_known_name_however_it_is_spelled(name: str, type_name: str) -> None:
    (meaning,) = meant(name)
    assert meaning.is_exact
    assert meaning.types[type_name] == 1.0


@pytest.mark.parametrize("name", ["datasheet_manual", "data sheet / user guide", "manuals and datasheets"])
def test_a_name_of_two_types(name: str) -> None:
    (meaning,) = meant(name)
    assert meaning.is_exact
    assert {name for name, weight in meaning.types.items() if weight == 1.0} == {"datasheet", "user manual"}


def test_a_kind_counts_for_its_parent_until_a_category_means_it() -> None:
    (card,) = meant("id_card")
    assert card.types["passport"] == BY_PARENT
    card, passport = meant("id_card", "passport")
    assert "passport" not in card.types
    assert passport.types["passport"] == 1.0


def test_a_relation_counts_less_than_a_kind_and_only_without_one() -> None:
    (letter,) = meant("letter")
    assert letter.types["memo"] == BY_RELATION
    assert letter.types["cover letter"] == BY_PARENT
    letter, _ = meant("letter", "memo")
    assert "memo" not in letter.types
    insurance, card = meant("insurance", "id card")
    assert insurance.types["health insurance card"] == BY_PARENT
    assert "health insurance card" not in card.types


def test_kinds_of_kinds_count_too() -> None:
    (form,) = meant("form")
    assert form.types["wage statement"] == pytest.approx(BY_PARENT * BY_RELATION)


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("our supplier invoices 2024", "invoice"),
        ("old tax form", "tax form"),
        ("invoice archive", "invoice"),
        ("notes of physicians on their patients", "medical record"),
        ("deeds or passports", "passport"),
    ],
)
def test_an_unknown_name_is_explained_by_its_parts_and_words(name: str, type_name: str) -> None:
    (meaning,) = meant(name)
    assert not meaning.is_exact or name == "deeds or passports"
    assert type_name in meaning.types


def test_the_description_explains_a_name_that_does_not() -> None:
    (meaning,) = meant("pile B", **{"pile B": "Plaintiff against defendant: what the court and the judge decided."})
    assert foremost(meaning) == "court document"


def test_what_is_claimed_by_name_is_not_guessed() -> None:
    resume, other = meant("resume", "applicant's career")
    assert resume.types["resume"] == 1.0
    assert "resume" not in other.types


def test_of_two_unknown_names_the_nearer_one_gets_the_type() -> None:
    tax, bank = meant("tax things", "things of the bank account")
    assert foremost(tax) == "tax form"
    assert foremost(bank) == "bank statement"


def test_words_that_nothing_has_mean_nothing() -> None:
    (meaning,) = meant("xyzzy")
    assert meaning == Meaning(Category("xyzzy"), {}, is_exact=False, is_named=False)


def test_the_main_word_stands_before_what_it_is_about() -> None:
    (meaning,) = meant("bills from newspapers")
    assert foremost(meaning) == "invoice"
    assert 0 < meaning.types["newspaper article"] < meaning.types["invoice"]


def test_a_vague_main_word_tells_less_than_what_stands_before_it() -> None:
    (meaning,) = meant("statements of the bank")
    assert foremost(meaning) == "bank statement"


@pytest.mark.parametrize(
    ("name", "type_name"),
    [
        ("documents d'assurance", "insurance policy"),
        ("copies of invoices", "invoice"),
        ("Rechnungskopien", "invoice"),
        ("Vertragskopien", "contract"),
        ("faturalar", "invoice"),
        ("brieven", "letter"),
        ("cartelle cliniche", "medical record"),
    ],
)
def test_carriers_and_plurals_of_other_languages(name: str, type_name: str) -> None:
    (meaning,) = meant(name)
    assert meaning.is_exact
    assert foremost(meaning) == type_name


def test_a_name_of_two_types_leaves_one_to_the_category_that_means_only_it() -> None:
    (alone,) = meant("insurance correspondence")
    assert alone.types["letter"] == 1.0
    insurance, letters = meant("insurance correspondence", "ordinary letters")
    assert "letter" not in insurance.types
    assert foremost(letters) == "letter"


def test_what_another_category_is_named_after_is_hardly_taken_by_resemblance() -> None:
    clinical, scholarly = meant("clinical documents archive", "scholarly manuscripts")
    assert clinical.types.get("scientific paper", 0.0) < scholarly.types["scientific paper"] / 2


def test_a_kind_counts_a_little_for_another_kind_where_nothing_is_nearer() -> None:
    (licence,) = meant("driver license")
    assert 0 < licence.types["identity card"] < BY_RELATION
    licence, _ = meant("driver license", "identity card")
    assert "identity card" not in licence.types
