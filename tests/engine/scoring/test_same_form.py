"""A correction is not needed twice: an example decides about documents of the same form, with the real engine."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.documents.example_folder import store_example, with_listed_examples
from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.model.categories import Category, parse_categories
from tests.support import paper
from tests.support.documents import PAYMENT_REMINDER, write_corrupt_pdf, write_pdf

FIRST = {"name": "Mrs. Brown", "town": "Leeds", "number": "4711", "day": "1 March", "amount": "1,250.00"}
SECOND = {"name": "Mr. Chandra", "town": "Cardiff", "number": "5190", "day": "2 April", "amount": "88.10"}
NAMES = ("invoice", "letter", "contract")


def taught(folder: Path) -> tuple[Category, ...]:
    return with_listed_examples(parse_categories([{"name": name, "examples": f"{folder}/{name}"} for name in NAMES]))


def test_the_same_mistake_is_not_made_twice(tmp_path: Path) -> None:
    first = write_pdf(tmp_path / "first.pdf", PAYMENT_REMINDER.format(**FIRST))
    second = write_pdf(tmp_path / "second.pdf", PAYMENT_REMINDER.format(**SECOND))
    learned = tmp_path / "learned"
    with EngineProcess(EngineOptions(threads=1)) as engine:
        before = engine.classify(first, taught(learned), name="first.pdf")
        assert before.classification == "letter"
        store_example(str(learned), "contract", str(first), others=NAMES)
        for path in (first, second):
            after = engine.classify(path, taught(learned), name=path.name)
            assert after.classification == "contract"
            assert after.confidence > 0.9
        other = engine.classify(write_pdf(tmp_path / "invoice.pdf"), taught(learned), name="invoice.pdf")
        assert other.classification == "invoice"
        # The person changes the answer: the document moves to another category.
        store_example(str(learned), "invoice", str(first), others=NAMES)
        assert engine.classify(second, taught(learned), name="second.pdf").classification == "invoice"


def test_an_example_decides_against_the_strongest_signs(tmp_path: Path) -> None:
    invoice = write_pdf(tmp_path / "invoice.pdf")
    categories = [Category("invoice"), Category("contract", examples=(str(invoice),))]
    result = Classifier(categories).classify(invoice, name="invoice.pdf")
    assert result.classification == "contract"
    assert result.page_results[0].extra["nearest_example"]["document"] == str(invoice)


def test_a_scan_is_compared_as_far_as_it_was_read(tmp_path: Path) -> None:
    """OCR stops when the answer is sure, so only a part of the page's lines is compared."""
    paths = []
    for number, values in enumerate((FIRST, SECOND)):
        lines = [line for line in PAYMENT_REMINDER.format(**values).splitlines() if line]
        paths.append(tmp_path / f"{number}.png")
        paper.picture(lines, size=(1500, 1000)).save(paths[-1])
    names = [Category("invoice"), Category("letter")]
    plain = Classifier([*names, Category("contract")])
    shown = Classifier([*names, Category("contract", examples=(str(paths[0]),))])
    assert all(plain.classify(path, name="x").classification != "contract" for path in paths)
    assert [shown.classify(path, name="x").classification for path in paths] == ["contract", "contract"]


def test_the_first_page_decides_about_further_pages(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    with pymupdf.open() as document:
        for text in (
            PAYMENT_REMINDER.format(**FIRST),
            *["INVOICE\nInvoice number 12\nTotal amount due 5.00\nVAT 20%\n" * 4] * 3,
        ):
            document.new_page().insert_textbox((50, 50, 550, 800), text)
        document.save(path)
    categories = [Category("invoice"), Category("letter", examples=(str(path),))]
    assert Classifier([*categories[:1], Category("letter")]).classify(path, name="x").classification == "invoice"
    assert Classifier(categories).classify(path, name="x").classification == "letter"


def test_the_same_example_in_two_categories_decides_nothing(tmp_path: Path) -> None:
    invoice = write_pdf(tmp_path / "invoice.pdf")
    categories = [Category(name, examples=(str(invoice),)) for name in ("invoice", "contract")]
    assert Classifier(categories).classify(invoice, name="invoice.pdf").classification == "invoice"


def test_few_words_are_no_form(tmp_path: Path) -> None:
    example = write_pdf(tmp_path / "example.pdf", "INVOICE\nTotal 5.00\nThank you")
    categories = [Category("invoice"), Category("letter", examples=(str(example),))]
    assert Classifier(categories).classify(write_pdf(tmp_path / "invoice.pdf"), name="x").classification == "invoice"


def test_a_damaged_file_in_a_folder_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "learned" / "letter"
    folder.mkdir(parents=True)
    write_corrupt_pdf(folder / "damaged.pdf")
    result = Classifier(taught(tmp_path / "learned")).classify(write_pdf(tmp_path / "invoice.pdf"), name="x")
    assert result.classification == "invoice"
    assert "damaged.pdf" in caplog.text
