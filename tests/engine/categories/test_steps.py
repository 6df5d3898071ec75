"""The steps by which category names become meanings, one by one."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from airflow_provider_classify.engine.categories.meanings import (
    BY_RESEMBLANCE,
    FACTOR_BESIDE_NAME,
    FACTOR_BESIDE_OTHERS,
    Draft,
    add_nearness,
    add_relatives,
    add_types_of_path,
    draft_of,
    drop_claimed_parts,
    guess_by_words,
    leave_types_to_others,
    share_parts,
)
from airflow_provider_classify.engine.categories.related_types import BY_KIND, BY_PARENT, BY_RELATION
from airflow_provider_classify.engine.knowledge.aliases import aliases_of
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.model.categories import Category

KNOWLEDGE = load_knowledge()
Types = Mapping[str, float]


def draft(
    whole: Types | None = None, parts: Types | None = None, guessed: Types | None = None, name: str = "x"
) -> Draft:
    return Draft(Category(name), whole=dict(whole or {}), parts=dict(parts or {}), guessed=dict(guessed or {}))


@pytest.mark.parametrize(
    ("name", "whole", "parts"),
    [
        ("invoices", {"invoice"}, {"invoice"}),
        ("receipts and invoices", {"receipt", "invoice"}, {"receipt", "invoice"}),
        ("finance/invoice", {"invoice"}, {"invoice"}),
        ("bills from newspapers", set(), {"invoice", "newspaper article"}),
        ("xyzzy", set(), set()),
    ],
)
def test_a_name_is_looked_up_whole_and_in_parts(name: str, whole: set[str], parts: set[str]) -> None:
    found = draft_of(Category(name), aliases_of(KNOWLEDGE))
    assert (found.whole.keys(), found.parts.keys()) == (whole, parts)


@pytest.mark.parametrize(
    ("wholes", "left"),
    [
        ([{"a": 1.0, "b": 1.0}, {"b": 1.0}], [{"a"}, {"b"}]),
        ([{"a": 1.0, "b": 1.0}, {"c": 1.0}], [{"a", "b"}, {"c"}]),
        ([{"a": 1.0, "b": 1.0}, {"a": 1.0}, {"b": 1.0}], [{"a", "b"}, {"a"}, {"b"}]),
        ([{"a": 1.0}, {"a": 1.0}], [{"a"}, {"a"}]),
    ],
    ids=["one is left to the other", "nothing in common", "something is left", "a single type stays"],
)
def test_a_name_of_several_types_leaves_some_to_others(wholes: list[Types], left: list[set[str]]) -> None:
    drafts = [draft(whole) for whole in wholes]
    leave_types_to_others(drafts)
    assert [found.whole.keys() for found in drafts] == left


def test_parts_that_a_whole_name_means_are_dropped() -> None:
    known, unknown = draft({"a": 1.0}, {"a": 0.8}), draft(None, {"a": 0.8, "b": 0.6})
    drop_claimed_parts([known, unknown], {"a"})
    assert (known.parts, unknown.parts) == ({}, {"b": 0.6})


@pytest.mark.parametrize(
    ("parts", "shared"),
    [
        ([{"a": 0.8, "b": 0.6}, {"a": 0.8}], [{"a": 0.4, "b": 0.6}, {"a": 0.8}]),
        ([{"a": 0.8}, {"a": 0.8}], [{"a": 0.8}, {"a": 0.8}]),
        ([{"a": 0.8, "b": 0.6}, {"c": 0.8}], [{"a": 0.8, "b": 0.6}, {"c": 0.8}]),
    ],
    ids=["halved where another is left", "kept where none is", "kept where only one has it"],
)
def test_parts_that_several_names_have_are_shared(parts: list[Types], shared: list[Types]) -> None:
    drafts = [draft(None, found) for found in parts]
    share_parts(drafts)
    assert [found.parts for found in drafts] == shared


def test_the_best_guess_counts_the_same_however_weak() -> None:
    weak, strong = draft(name="weak"), draft(name="strong")
    likeness = {"weak": {"letter": 0.2}, "strong": {"invoice": 0.9, "receipt": 0.1}}
    free = [KNOWLEDGE.types[name] for name in ("letter", "invoice", "receipt")]
    guess_by_words([weak, strong], lambda category: likeness[category.name], free)
    assert weak.guessed == {"letter": pytest.approx(BY_RESEMBLANCE)}
    assert strong.guessed == {"invoice": pytest.approx(BY_RESEMBLANCE)}


@pytest.mark.parametrize("value", [number / 50 for number in range(10, 51)])
def test_no_rounding_makes_the_best_guess_count_less(value: float) -> None:
    by_words, by_sentences = draft(), draft()
    guess_by_words([by_words], lambda _: {"letter": value}, [KNOWLEDGE.types["letter"]])
    add_nearness([by_sentences], [{"letter": value}])
    assert by_words.guessed == by_sentences.guessed == {"letter": BY_RESEMBLANCE}


def test_a_type_goes_to_the_category_that_resembles_it_more() -> None:
    near, far = draft(name="near"), draft(name="far")
    likeness = {"near": {"letter": 0.8}, "far": {"letter": 0.4, "invoice": 0.4}}
    free = [KNOWLEDGE.types[name] for name in ("letter", "invoice")]
    guess_by_words([near, far], lambda category: likeness[category.name], free)
    assert far.guessed["letter"] == pytest.approx(BY_RESEMBLANCE / 8)
    assert far.guessed["invoice"] == pytest.approx(BY_RESEMBLANCE)


def test_guesses_count_less_beside_parts_of_names() -> None:
    named, other = draft(None, {"invoice": 0.8}, name="named"), draft(name="other")
    likeness = {"named": {"letter": 0.5}, "other": {"invoice": 0.5, "letter": 0.5}}
    free = [KNOWLEDGE.types[name] for name in ("letter", "invoice")]
    guess_by_words([named, other], lambda category: likeness[category.name], free)
    assert named.guessed["invoice"] == 0.8
    assert named.guessed["letter"] < BY_RESEMBLANCE * FACTOR_BESIDE_NAME
    assert other.guessed["invoice"] == pytest.approx(BY_RESEMBLANCE * FACTOR_BESIDE_OTHERS)


def test_the_steps_above_a_path_mean_types_too() -> None:
    path = Draft(Category("archive"), ("letter", "invoice", "archive"), guessed={"receipt": 0.8})
    add_types_of_path([path], aliases_of(KNOWLEDGE), {"letter"})
    assert path.own == {"receipt": 0.8, "invoice": BY_PARENT}


@pytest.mark.parametrize(
    ("meant", "type_name", "weight"),
    [
        ("identity card", "passport", BY_PARENT),
        ("letter", "memo", BY_RELATION),
        ("driver license", "identity card", BY_KIND),
        ("invoice", "invoice", None),
        ("invoice", "sheet music", None),
    ],
)
def test_relatives_of_what_a_category_means(meant: str, type_name: str, weight: float | None) -> None:
    found = draft({meant: 1.0})
    add_relatives([found], KNOWLEDGE)
    assert found.relatives.get(type_name) == weight


def test_beside_a_catch_all_only_kinds_are_inherited() -> None:
    letter, card = draft({"letter": 1.0}), draft({"identity card": 1.0})
    add_relatives([letter, card], KNOWLEDGE, only_parents=True)
    assert "memo" not in letter.relatives
    assert card.relatives["passport"] == BY_PARENT
