"""Recognise a catch-all: a category for documents that fit no other one, such as "other" or "Sonstiges"."""

from __future__ import annotations

from functools import cache

import yaml

from airflow_provider_classify.engine.categories.names import alternatives, without_carriers
from airflow_provider_classify.engine.knowledge.load import CATCH_ALL_FILE
from airflow_provider_classify.engine.knowledge.yaml_entry import YAML_LOADER
from airflow_provider_classify.engine.text.words import label_words


def is_catch_all(name: str) -> bool:
    """
    Return whether a category is a catch-all by its name, in any language of the file.

    Words such as "documents" around the name are ignored ("other documents"). A name of several alternatives ("other /
    unknown") is a catch-all if each alternative is one.
    """
    parts = [label_words(part) for part in alternatives(name)]
    return _is_known(label_words(name)) or (bool(parts) and all(map(_is_known, parts)))


def _is_known(words: list[str]) -> bool:
    return bool(words) and ("".join(words) in _names() or "".join(without_carriers(words)) in _names())


@cache
def _names() -> frozenset[str]:
    """Return the names in all languages, folded by ``label_words`` and without spaces."""
    by_language: dict[str, str] = yaml.load(CATCH_ALL_FILE.read_bytes(), Loader=YAML_LOADER)
    return frozenset(
        "".join(label_words(name)) for names in by_language.values() for name in names.split(",") if label_words(name)
    )
