"""What a page has of a category's own words."""

from __future__ import annotations

from airflow_provider_classify.engine.knowledge.document_type import Style
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.scoring.category_words import CategoryWords, PageWords
from airflow_provider_classify.engine.scoring.compiled_knowledge import layouts_of_words, rarity_of_words
from airflow_provider_classify.engine.scoring.features import PageText, features_of
from airflow_provider_classify.engine.text.spelling import Spelling
from airflow_provider_classify.model.categories import Category
from tests.support.pages import page_of

RARITY = rarity_of_words(load_knowledge())
LAYOUTS = layouts_of_words(load_knowledge())


def points(category: Category, page: Page) -> float:
    text = PageText(page, Spelling(()))
    return CategoryWords(category, RARITY, LAYOUTS).points(PageWords(text, features_of(text), 1.0))


def test_the_name_counts_most_as_a_heading() -> None:
    category = Category("toll_sheets")
    filler = ["nothing to see in this line"] * 12
    whole, within, below = (
        points(category, page)
        for page in (
            page_of("Toll Sheet", *filler),
            page_of("The Toll Sheet 2024", *filler),
            page_of(*filler, "the toll sheet that we keep at the bridge for all the years", top=0.4),
        )
    )
    partly, absent = points(category, page_of("a sheet")), points(category, page_of("a leaf"))
    assert whole > within > below > partly > absent == 0


def test_words_of_the_description_count_by_how_rare_they_are() -> None:
    category = Category("x", "The defendant writes the date.")
    assert RARITY["defendant"] > RARITY["date"]
    assert points(category, page_of("the defendant")) > points(category, page_of("the date")) > 0


def test_phrases_of_the_description_count_more_than_their_words() -> None:
    category = Category("x", "Shows a bridge keeper.")
    assert points(category, page_of("the bridge keeper")) > points(category, page_of("keeper of the bridge"))


def test_a_phrase_with_a_word_such_as_of_counts_on_a_page_too() -> None:
    category = Category("x", "Shows the keeper of the bridge.")
    phrase, words = page_of("Name of the keeper of the bridge"), page_of("Name of the bridge and of the keeper")
    assert points(category, phrase) > points(category, words)


def test_words_tell_the_layout_of_a_document() -> None:
    assert LAYOUTS["agreement"] == {Style.PROSE}
    prose = page_of(*["It was said that the house on the hill had been empty for a year"] * 4)
    assert points(Category("agreement"), prose) > points(Category("xyzzy"), prose)


def test_common_words_of_a_description_are_found_in_other_languages() -> None:
    english = Category("x", "The date of birth and the nationality.")
    german = Category("x", "Geburtsdatum und Staatsangehörigkeit.")
    spanish = page_of("Fecha de nacimiento", "Nacionalidad")
    for category in (english, german):
        assert points(category, spanish) > points(category, page_of("Fecha", "Nombre"))
    assert points(german, page_of("Birth", "Nationality")) > points(german, page_of("Street", "Colour")) == 0
