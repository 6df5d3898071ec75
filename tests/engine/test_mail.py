"""An e-mail is an e-mail; where no category means that, its text or its attachment decides."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pymupdf
import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.exceptions import DocumentTypeUnknown
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from tests.support.documents import SHORT_INVOICE as INVOICE

WITHOUT_MAIL = ("invoice", "receipt", "contract", "letter", "resume", "form", "bank_statement")
WINMAIL = b'x\x9f>"' + bytes(400)
DATASHEET = """Hi all,
the data sheet of the new sensor: supply voltage 3.3 V, operating temperature -40 to 85 C, absolute maximum ratings
on page 4, pin configuration and electrical characteristics on page 5, ordering information on page 9.
Features: low power, small package, I2C interface. Typical applications: weather stations."""
COURT = """Dear all,
the plaintiff has filed the motion against the defendant in the district court; the judge has set the hearing. See the
docket for the case number, the order and the affidavit of the witness."""


def pdf(text: str) -> bytes:
    with pymupdf.open() as document:
        document.new_page().insert_textbox((72, 72, 523, 770), text)
        return bytes(document.tobytes())


def mail(folder: Path, body: str, *attachments: tuple[str, bytes]) -> Path:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.com", "ben@example.com", "Monday"
    message["Date"] = "Mon, 4 May 2026 10:11:12 +0000"
    message.set_content(body)
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    path = folder / "mail.eml"
    path.write_bytes(message.as_bytes())
    return path


def classify(path: Path, *categories: str | Category, **options: str) -> ClassificationResult:
    offered = [Category(category) if isinstance(category, str) else category for category in categories]
    return Classifier(offered, EngineOptions(**options)).classify(path, name=path.name)


@pytest.mark.parametrize("body", [INVOICE, DATASHEET, COURT, "ok", ""])
@pytest.mark.parametrize("name", ["email", "E-Mails", "courriel", "correspondence/email"])
def test_a_mail_is_an_e_mail_where_a_category_means_that(tmp_path: Path, body: str, name: str) -> None:
    path = mail(tmp_path, body, ("invoice.pdf", pdf(INVOICE)))
    result = classify(path, *WITHOUT_MAIL, "datasheet", "court_document", name)
    assert result.classification == name
    assert result.confidence >= 0.95
    assert max(result.extra["scores"], key=result.extra["scores"].__getitem__) == name
    assert all(page.classification == name for page in result.page_results if not page.blank)
    assert not result.extra["mixed"]


def test_its_evidence_is_the_format(tmp_path: Path) -> None:
    (page,) = classify(mail(tmp_path, DATASHEET), *WITHOUT_MAIL, "email").page_results
    assert page.raw_result == "email"
    assert page.extra["evidence"][0] == {"text": "the format of email", "type": "email", "page": 1}


def test_a_description_that_speaks_of_e_mails_tells_otherwise(tmp_path: Path) -> None:
    path = mail(tmp_path, INVOICE)
    told = Category("order_mail", "E-mails with an invoice: invoice number, subtotal, VAT, amount due.")
    assert classify(path, "email", told, "letter").classification == "order_mail"
    assert classify(mail(tmp_path, "Lunch at noon?"), "email", told, "contract").classification == "email"
    assert classify(path, "email", Category("order_mail", told.description[12:]), "letter").classification == "email"


def test_without_a_category_for_mails_the_text_decides(tmp_path: Path) -> None:
    result = classify(mail(tmp_path, INVOICE), *WITHOUT_MAIL)
    assert (result.classification, result.confidence > 0.9) == ("invoice", True)
    assert "read_from" not in result.extra


@pytest.mark.parametrize("body", ["", "See attached.\n", "Anbei die Datei.\n\nSent from my phone"])
def test_a_mail_that_says_little_is_what_is_attached(tmp_path: Path, body: str) -> None:
    result = classify(mail(tmp_path, body, ("scan 1.pdf", pdf(INVOICE))), *WITHOUT_MAIL)
    assert (result.classification, result.confidence > 0.9) == ("invoice", True)
    assert result.extra["read_from"] == "scan 1.pdf"
    assert "attachments" not in result.extra


def test_of_several_attachments_none_speaks_for_the_mail(tmp_path: Path) -> None:
    files = ("a.pdf", pdf(INVOICE)), ("b.pdf", pdf("Dear Ann,\nthank you.\nYours sincerely,\nBen"))
    result = classify(mail(tmp_path, "See attached.", *files), *WITHOUT_MAIL)
    assert "read_from" not in result.extra
    assert result.confidence < 0.9


def test_an_attachment_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    result = classify(mail(tmp_path, "See attached.", ("broken.pdf", b"%PDF-1.7 broken")), *WITHOUT_MAIL)
    assert result.success
    (attached,) = result.extra["attachments"]
    assert (attached["name"], attached["success"]) == ("broken.pdf", False)
    assert "broken.pdf" in attached["error"]


@pytest.mark.parametrize("is_asked", [True, False])
def test_attachments_get_results_of_their_own_where_asked(tmp_path: Path, is_asked: bool) -> None:
    files = ("a.pdf", pdf(INVOICE)), ("b.pdf", pdf("Dear Ann,\nthank you for your letter.\nYours sincerely,\nBen"))
    path = mail(tmp_path, COURT, *files, ("broken.pdf", b"%PDF-1.7 broken"))
    result = classify(path, *WITHOUT_MAIL, "email", attachments="classify" if is_asked else "ignore")
    assert result.classification == "email"
    if not is_asked:
        assert "attachments" not in result.extra
        return
    attached = result.extra["attachments"]
    assert [entry["name"] for entry in attached] == ["a.pdf", "b.pdf", "broken.pdf"]
    assert [entry.get("classification") for entry in attached] == ["invoice", "letter", None]
    assert attached[0]["scores"]["invoice"] > 0.9
    assert "broken.pdf" in attached[2]["error"]


def test_attachments_come_through_the_engines_process(tmp_path: Path) -> None:
    path = mail(tmp_path, "See attached.", ("a.pdf", pdf(INVOICE)))
    with EngineProcess(EngineOptions(attachments="classify")) as engine:
        result = engine.classify(path, [Category(name) for name in WITHOUT_MAIL], name="mail.eml")
    assert (result.classification, result.extra["read_from"]) == ("invoice", "a.pdf")
    assert result.extra["attachments"][0]["classification"] == "invoice"


@pytest.mark.parametrize("kind", ["ms-tnef", "octet-stream"])
def test_mail_of_nothing_but_winmail_says_what_to_do(kind: str, tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.com", "ben@example.com", "Invoice 17"
    message.add_attachment(WINMAIL, maintype="application", subtype=kind, filename="winmail.dat")
    path = tmp_path / "mail.eml"
    path.write_bytes(message.as_bytes())
    with pytest.raises(DocumentTypeUnknown, match=r"'mail\.eml' has its content in winmail\.dat \(TNEF\).*as HTML"):
        Classifier([Category(name) for name in WITHOUT_MAIL]).classify(path, name="mail.eml")
    result = Classifier([Category("invoice"), Category("email")]).classify(path, name="mail.eml")
    assert result.classification == "email"
