"""
Types beside the twenty common ones.

``typical.yaml`` has a short document of each that is known; ``new_types.yaml`` has types that are not, each
with what a user says of it and documents.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.reading import OpenedDocument
from airflow_provider_classify.engine.reading.opened_document import ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.model.categories import Category
from tests.support.pages import page_of

HERE = Path(__file__).parent
TYPICAL = yaml.safe_load((HERE / "typical.yaml").read_text(encoding="utf-8"))
NEW_TYPES = yaml.safe_load((HERE / "new_types.yaml").read_text(encoding="utf-8"))
COMMON = sorted(file.stem for file in (HERE / "written_documents").glob("*.txt") if file.stem != "none")
#: Types whose documents are cards, recognised.
CARDS = ("card", "visa", "check")


@pytest.fixture(scope="module")
def common() -> Classifier:
    return Classifier([Category(name) for name in COMMON])


def document(text: str, *, is_card: bool = False) -> OpenedDocument:
    lines = text.split("\n")
    page = page_of(*lines, width=856.0, height=540.0, source="ocr") if is_card else page_of(*lines)
    return OpenedDocument(Format.IMAGE, 1, iter([ReadPage(page)]), is_image=True)


@pytest.mark.parametrize(("name", "text"), TYPICAL.items())
def test_a_typical_document_is_of_its_type_or_one_that_is_near(name: str, text: str, common: Classifier) -> None:
    found = common.classify_document(document(text, is_card=name.endswith(CARDS)))
    known = load_knowledge().types[name]
    assert found.raw_result in {name, *known.parents, *known.related}


def test_types_that_are_not_known_are_told_apart_by_their_description() -> None:
    right = []
    for new in NEW_TYPES:
        assert not load_knowledge().types.keys() & {new["name"]}
        offered = [*map(Category, COMMON), Category(new["name"], new["description"])]
        classifier = Classifier(offered)
        right += [
            classifier.classify_document(document(text)).classification == new["name"] for text in new["documents"]
        ]
    assert sum(right) >= 0.9 * len(right)
