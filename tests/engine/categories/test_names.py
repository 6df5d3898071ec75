"""What a few hundred further names mean, whatever else is offered: ``names.yaml``."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airflow_provider_classify.engine.categories.meanings import Meaning, meanings_of
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.model.categories import Category

NAMES = yaml.safe_load(Path(__file__).with_name("names.yaml").read_text(encoding="utf-8"))


def meaning_of(name: str) -> Meaning:
    (meaning,) = meanings_of([Category(name)], load_knowledge())
    return meaning


def foremost(name: str) -> str | None:
    meaning = meaning_of(name)
    return max(meaning.types, key=lambda type_name: meaning.types[type_name], default=None)


def rows(part: str) -> list[tuple[str, str]]:
    return [(name, types) for types, names in NAMES[part].items() for name in names]


@pytest.mark.parametrize(("name", "types"), rows("means"))
def test_a_name_means_its_type(name: str, types: str) -> None:
    assert foremost(name) in types.split("|")


@pytest.mark.parametrize(("name", "type_name"), rows("not"))
def test_a_name_only_looks_like_one_of_a_type(name: str, type_name: str) -> None:
    assert foremost(name) != type_name


@pytest.mark.parametrize(("name", "type_name"), rows("uncertain"))
def test_a_part_of_a_name_is_no_certain_meaning(name: str, type_name: str) -> None:
    meaning = meaning_of(name)
    assert not meaning.is_exact
    assert meaning.types[type_name] < 1.0
