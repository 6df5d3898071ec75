"""The type that a document seems to be where none of the categories fits."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, ReadPage
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.pages import page_of

RESUME = page_of(
    "CURRICULUM VITAE", "Ann Example", "Work experience", "2019 - 2024 Senior engineer at a bridge builder",
    "Education", "Master of Science, civil engineering", "Skills", "Languages: English, French", "References",
)  # fmt: skip
INVOICE = page_of("INVOICE", "Invoice number: 17", "Bill to: Ann", "Subtotal 100.00", "VAT 19.00", "Amount due 119.00")


def classified(page, *names: str) -> ClassificationResult:
    classifier = Classifier([Category(name) for name in names])
    return classifier.classify_document(OpenedDocument(Format.PDF, 1, iter([ReadPage(page)])))


@pytest.mark.parametrize("names", [("invoice", "contract"), ("invoice", "contract", "other")])
def test_it_is_there_where_no_category_fits(names: tuple[str, ...]) -> None:
    assert classified(RESUME, *names).extra["suggested_type"] == "resume"


@pytest.mark.parametrize("names", [("invoice", "contract"), ("invoice", "contract", "other"), ("bill", "resume")])
def test_it_is_not_there_where_one_fits(names: tuple[str, ...]) -> None:
    assert "suggested_type" not in classified(INVOICE, *names).extra


def test_a_page_of_no_known_type_has_none() -> None:
    page = page_of("qwx zzk ppl", "brr tkk vvn", "mmq rrt plk", "ssd ffg hhj", "wwe rrt yyu")
    assert "suggested_type" not in classified(page, "invoice", "contract").extra
