"""An e-invoice says what it is by the root of its XML."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult

UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
NAMES = ("receipt", "contract", "letter", "email", "resume", "form", "bank_statement")


def invoice(folder: Path, root: str, namespace: str) -> Path:
    """An e-invoice whose words alone say little."""
    path = folder / "document.xml"
    path.write_text(
        f'<?xml version="1.0"?>\n<i:{root} xmlns:i="{namespace}"><i:ID>17</i:ID><i:Name>Ann Blue</i:Name>'
        f"<i:Note>Thank you for your letter</i:Note><i:Value>119.00</i:Value></i:{root}>"
    )
    return path


def classify(path: Path, *names: str) -> ClassificationResult:
    return Classifier([Category(name) for name in names]).classify(path, name=path.name)


@pytest.mark.parametrize(
    ("root", "namespace"),
    [
        ("Invoice", f"{UBL}Invoice-2"),
        ("CreditNote", f"{UBL}CreditNote-2"),
        ("CrossIndustryInvoice", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"),
        ("FatturaElettronica", "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"),
    ],
)
@pytest.mark.parametrize("name", ["invoice", "Eingangsrechnungen", "finance/invoice"])
def test_an_e_invoice_is_an_invoice(tmp_path: Path, root: str, namespace: str, name: str) -> None:
    result = classify(invoice(tmp_path, root, namespace), *NAMES, name)
    assert result.classification == name
    assert result.confidence >= 0.9
    evidence = result.page_results[0].extra["evidence"][0]
    assert evidence["text"] == root
    assert evidence["page"] == 1


def test_a_category_of_its_own_goes_before_its_parents(tmp_path: Path) -> None:
    path = invoice(tmp_path, "CreditNote", f"{UBL}CreditNote-2")
    assert classify(path, *NAMES, "invoice", "credit note").classification == "credit note"


def test_where_no_category_means_it_the_text_decides(tmp_path: Path) -> None:
    result = classify(invoice(tmp_path, "Invoice", f"{UBL}Invoice-2"), "contract", "letter", "resume")
    assert result.confidence < 0.9
    assert all(found["text"] != "Invoice" for found in result.page_results[0].extra["evidence"])


def test_a_catch_all_takes_what_no_other_category_means(tmp_path: Path) -> None:
    path = invoice(tmp_path, "Order", f"{UBL}Order-2")
    assert classify(path, "contract", "purchase order", "other").classification == "purchase order"
