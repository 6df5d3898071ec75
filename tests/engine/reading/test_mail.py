"""Mails: the best of their texts, the messages they forward, and what is attached."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from compressed_rtf import compress
from PIL import Image

from airflow_provider_classify.engine.reading import eml, open_document, outlook
from airflow_provider_classify.engine.reading.mail import MANY_WORDS, best_alternative, count_words
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEmpty,
    DocumentEncrypted,
    DocumentError,
    DocumentTooLarge,
)
from tests.support import paper
from tests.support.ole import ole, outlook_message
from tests.support.reading import read, text

AGREEMENT = "This agreement is made between the parties named below and is valid from the first of May."
LONG = " ".join(f"{AGREEMENT} Clause {number} says so." for number in range(10))
PDF = ("application", "pdf")


def mail(body: str | None = "See attached.", *, html: str | None = None) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "Ada <ada@a.example>", "bob@b.example", "Documents"
    if body is not None:
        message.set_content(body)
        if html is not None:
            message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    return message


def attach(message: EmailMessage, data: bytes, kind: tuple[str, str] = PDF, **options: str) -> EmailMessage:
    message.add_attachment(data, maintype=kind[0], subtype=kind[1], **options)  # type: ignore[arg-type]
    return message


def names(message: EmailMessage | bytes, folder: Path) -> list[str]:
    (folder / "mail").write_bytes(message if isinstance(message, bytes) else bytes(message))
    with open_document(folder / "mail", name="mail.eml") as document:
        assert document.is_mail
        return [attachment.name for attachment in document.attachments]


def lines(message: EmailMessage, folder: Path) -> list[str]:
    return [line for page in read(bytes(message), folder, "mail.eml") for line in text(page).splitlines()]


@pytest.mark.parametrize("stub", ["", " \n\n", "Your mail program does not show HTML."])
def test_text_that_is_blank_or_a_stub_loses_against_html(stub: str, tmp_path: Path) -> None:
    assert AGREEMENT in lines(mail(stub, html=f"<p>{AGREEMENT}</p>"), tmp_path)


def test_plain_text_wins_where_it_says_as_much(tmp_path: Path) -> None:
    read_lines = lines(mail(f"Plain. {AGREEMENT}", html=f"<p>Rich. {AGREEMENT}</p>"), tmp_path)
    assert f"Plain. {AGREEMENT}" in read_lines
    assert not any("Rich" in line for line in read_lines)


def test_best_alternative_is_the_plainest_that_is_no_stub() -> None:
    assert best_alternative(["one two", "one two three four five"]) == "one two three four five"
    assert best_alternative(["one two three", "one two three four five"]) == "one two three"
    assert best_alternative([]) == ""


def test_all_texts_of_a_mixed_mail_are_read(tmp_path: Path) -> None:
    message = mail("Before the picture.")
    message.make_mixed()
    for words in (AGREEMENT, "The footer of the mailing list."):
        part = EmailMessage()
        part.set_content(words)
        message.attach(part)
    assert [line for line in lines(message, tmp_path) if ":" not in line] == [
        "Before the picture.",
        AGREEMENT,
        "The footer of the mailing list.",
    ]


def test_alternatives_within_related_within_mixed(tmp_path: Path) -> None:
    message = mail("", html=f"<p>{AGREEMENT}</p><img src='cid:photo'>")
    html = message.get_body(("html",))
    assert html is not None
    photo = paper.encoded(paper.picture(), "JPEG")
    html.add_related(photo, "image", "jpeg", cid="<photo>", filename="photo.jpg")  # type: ignore[attr-defined]
    attach(message, paper.pdf(AGREEMENT), filename="contract.pdf")
    assert AGREEMENT in lines(message, tmp_path)
    assert names(message, tmp_path) == ["photo.jpg", "contract.pdf"]


def test_attachment_opens_as_a_document(tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(bytes(attach(mail(), paper.pdf(AGREEMENT), filename="contract.pdf")))
    with open_document(tmp_path / "mail", name="mail.eml") as document:
        (attachment,) = document.attachments
        with attachment.open() as opened:
            assert text(next(next(opened.pages).passes())) == AGREEMENT


def test_error_of_an_attachment_names_mail_and_attachment(tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(bytes(attach(mail(), b"%PDF-1.7 nothing", filename="broken.pdf")))
    with open_document(tmp_path / "mail", name="mail.eml") as document:
        (attachment,) = document.attachments
        with pytest.raises(DocumentCorrupt, match=r"mail\.eml/broken\.pdf"), attachment.open():
            pass


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [("Rechnung März.pdf", "Rechnung März.pdf"), ("../../etc/passwd", "passwd"), ("C:\\tmp\\a.pdf", "a.pdf")],
)
def test_name_of_an_attachment(file_name: str, expected: str, tmp_path: Path) -> None:
    assert names(attach(mail(), paper.pdf(AGREEMENT), filename=file_name), tmp_path) == [expected]


def test_attachment_without_a_name_has_one_by_its_place(tmp_path: Path) -> None:
    assert names(attach(mail(), paper.pdf(AGREEMENT)), tmp_path) == ["part 1"]


def test_what_is_no_document_is_not_among_the_attachments(tmp_path: Path) -> None:
    message = mail(AGREEMENT)
    attach(message, paper.encoded(Image.new("RGB", (120, 40))), ("image", "png"), filename="logo.png")
    attach(message, b"BEGIN:VCARD", ("text", "vcard"), filename="ada.vcf")
    attach(message, b"0\x82", ("application", "pkcs7-signature"), filename="smime.p7s")
    attach(message, b"BEGIN:VCALENDAR", ("text", "calendar"), filename="invite.ics")
    attach(message, paper.encoded(paper.picture(), "JPEG"), ("image", "jpeg"), filename="photo.jpg")
    assert names(message, tmp_path) == ["photo.jpg"]


def test_forwarded_message_is_part_of_the_text(tmp_path: Path) -> None:
    inner = attach(mail(AGREEMENT), paper.pdf(AGREEMENT), filename="contract.pdf")
    inner.replace_header("Subject", "Contract of May")
    outer = mail("FYI")
    outer.add_attachment(inner)
    read_lines = lines(outer, tmp_path)
    assert "Subject: Contract of May" in read_lines
    assert AGREEMENT in read_lines
    assert names(outer, tmp_path) == ["contract.pdf"]


@pytest.mark.parametrize(
    ("body", "is_little"),
    [
        ("", True),
        ("Hello,\n\nplease find attached.\n\nRegards\nAda", True),
        ("Sent from my phone", True),
        (f"See above\n-- \n{LONG}", True),
        ("FYI\n" + "\n".join(f"> {AGREEMENT}" for _ in range(10)), True),
        (LONG, False),
    ],
)
def test_mail_that_says_little(body: str, is_little: bool, tmp_path: Path) -> None:
    (tmp_path / "mail").write_bytes(bytes(mail(body)))
    with open_document(tmp_path / "mail", name="mail.eml") as document:
        assert document.says_little is is_little


def test_words_of_scripts_without_spaces_count() -> None:
    assert count_words("下記の通りご請求申し上げます。") < MANY_WORDS
    assert count_words("下記の通りご請求申し上げます。お支払期限までにお振込みください。" * 5) >= MANY_WORDS


def test_mail_of_nothing_but_an_attachment_is_open(tmp_path: Path) -> None:
    data = (
        b"MIME-Version: 1.0\nContent-Type: application/pdf; name=scan.pdf\nContent-Disposition: attachment\n"
        b"Content-Transfer-Encoding: 8bit\n\n" + b"%PDF-1.4 scan"
    )
    (tmp_path / "mail").write_bytes(data)
    with open_document(tmp_path / "mail", name="mail.eml") as document:
        assert [attachment.name for attachment in document.attachments] == ["scan.pdf"]
        (page,) = (next(page.passes()) for page in document.pages)
    assert page.is_blank


def test_mail_of_nothing_is_empty(tmp_path: Path) -> None:
    with pytest.raises(DocumentEmpty):
        read(b"MIME-Version: 1.0\nX-Nothing: 1\n\n \n", tmp_path, "mail.eml")


@pytest.mark.parametrize(
    "content",
    [
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n--b\n\nx\n--b--',
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n\nx",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: application/x-microsoft-rpmsg-message\n"
        "Content-Disposition: attachment; filename=message.rpmsg\n\nx\n--b--",
    ],
)
def test_encrypted_mail_says_so(content: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentEncrypted, match=r"'mail\.eml' is encrypted"):
        read(f"From: a@a.example\nSubject: x\n{content}".encode(), tmp_path, "mail.eml")


def test_web_page_that_a_browser_saved_is_no_mail(tmp_path: Path) -> None:
    page = (
        "From: <Saved by Blink>\nSnapshot-Content-Location: https://a.example/\nSubject: Page\nDate: today\n"
        f"MIME-Version: 1.0\nContent-Type: text/html\n\n<p>{AGREEMENT}</p>"
    )
    (tmp_path / "page").write_text(page)
    with open_document(tmp_path / "page", name="page.mhtml") as document:
        assert not document.is_mail


@pytest.mark.parametrize("piece", ["<!--", "<a ", "<![", "<?", "</", "<div>", '<a b="', "&amp", "<!", "<![CDATA["])
def test_broken_html_of_half_a_megabyte_is_read(piece: str, tmp_path: Path) -> None:
    html = f"<p>{AGREEMENT}</p>" + piece * (500_000 // len(piece))
    assert AGREEMENT in lines(mail(None, html=html), tmp_path)


def test_hidden_text_of_html_is_not_read(tmp_path: Path) -> None:
    html = f"<div style='display: none'>Preview</div><style>p {{}}</style><p>{AGREEMENT}</p><script>run()</script>"
    assert lines(mail(None, html=html), tmp_path)[3:] == [AGREEMENT]


@pytest.mark.parametrize("charset", ["cp1251", "unknown-8bit", None])
def test_body_whose_charset_is_wrong_or_missing(charset: str | None, tmp_path: Path) -> None:
    kind = f"Content-Type: text/plain; charset={charset}\n" if charset else ""
    body = "Счёт на оплату от поставщика за май"
    data = f"From: a@a.example\nSubject: x\n{kind}\n".encode() + body.encode("cp1251")
    (page,) = read(data, tmp_path, "mail.eml")
    assert body in text(page)


def test_mail_that_would_take_long_to_parse_is_read_in_part(tmp_path: Path) -> None:
    parts = "".join(
        f"--b\nContent-Type: multipart/mixed; boundary=c{n}\n\n--c{n}\n\nx\n--c{n}--\n" for n in range(3000)
    )
    data = f"From: a@a.example\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n{parts}--b--"
    assert read(data.encode(), tmp_path, "mail.eml")


def test_outlook_message(tmp_path: Path) -> None:
    data = outlook_message(
        subject="Vertrag für Mai", sender="Ada", body=AGREEMENT, attachments={"contract.pdf": paper.pdf(AGREEMENT)}
    )
    assert text(read(data, tmp_path, "mail.msg")[0]).splitlines() == [
        "From: Ada",
        "Subject: Vertrag für Mai",
        AGREEMENT,
    ]
    (tmp_path / "mail").write_bytes(data)
    with open_document(tmp_path / "mail", name="mail.msg") as document:
        assert document.is_mail
        (attachment,) = document.attachments
        assert attachment.name == "contract.pdf"
        with attachment.open() as opened:
            assert text(next(next(opened.pages).passes())) == AGREEMENT


def errors(data: bytes, folder: Path) -> dict[str, str | None]:
    """Return the error with which each attachment of a mail opens; None if it can be opened."""
    (folder / "mail").write_bytes(data)
    found: dict[str, str | None] = {}
    with open_document(folder / "mail", name="mail.msg") as document:
        for attachment in document.attachments:
            try:
                with attachment.open():
                    found[attachment.name] = None
            except DocumentTooLarge as error:
                found[attachment.name] = str(error)
    return found


def test_an_attachment_of_an_outlook_message_over_the_limit_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = paper.pdf(AGREEMENT)
    large = small + bytes(10_000)
    data = outlook_message(subject="x", attachments={"large.pdf": large, "small.pdf": small})
    monkeypatch.setattr(outlook, "MAX_ATTACHMENT_BYTES", len(large))
    assert errors(data, tmp_path) == {"large.pdf": None, "small.pdf": None}
    monkeypatch.setattr(outlook, "MAX_ATTACHMENT_BYTES", len(large) - 1)
    assert errors(data, tmp_path) == {
        "large.pdf": "The attachment 'mail.msg/large.pdf' is too large to be read within its mail; "
        "save it as a file, and give that.",
        "small.pdf": None,
    }


@pytest.mark.parametrize("is_forwarded", [False, True])
def test_an_attachment_at_which_a_mail_is_cut_says_so(
    is_forwarded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = mail()
    for name in ("first.pdf", "last.pdf"):
        attach(message, paper.pdf(AGREEMENT), filename=name)
    if is_forwarded:
        inner, message = message, mail("FYI")
        message.add_attachment(inner)
    data = bytes(message)
    monkeypatch.setattr(eml, "MAX_EMAIL_BYTES", len(data))
    assert errors(data, tmp_path) == {"first.pdf": None, "last.pdf": None}
    monkeypatch.setattr(eml, "MAX_EMAIL_BYTES", len(data) - 500)
    found = errors(data, tmp_path)
    assert (found["first.pdf"], "'mail.msg/last.pdf' is too large" in str(found["last.pdf"])) == (None, True)


def test_a_mail_that_is_cut_within_its_text_keeps_its_attachment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = attach(mail(), paper.pdf(AGREEMENT), filename="contract.pdf")
    part = EmailMessage()
    part.set_content("The footer of the mailing list. " * 50)
    message.attach(part)
    data = bytes(message)
    monkeypatch.setattr(eml, "MAX_EMAIL_BYTES", len(data) - 500)
    assert errors(data, tmp_path) == {"contract.pdf": None}


def test_outlook_message_of_html(tmp_path: Path) -> None:
    (page,) = read(outlook_message(subject="x", html=f"<p>{AGREEMENT}</p>".encode()), tmp_path, "mail.msg")
    assert AGREEMENT in text(page)


@pytest.mark.parametrize("is_compressed", [True, False])
def test_outlook_message_of_rtf_alone(is_compressed: bool, tmp_path: Path) -> None:
    rtf = rf"{{\rtf1\ansi\ansicpg1252\fromtext {{\*\htmltag <b>}}{AGREEMENT}\par Gr\'fc\'dfe}}".encode()
    data = outlook_message(subject="x", rtf=compress(rtf, is_compressed))
    (page,) = read(data, tmp_path, "mail.msg")
    assert text(page).splitlines() == ["Subject: x", AGREEMENT, "Grüße"]


def test_outlook_message_of_damaged_rtf(tmp_path: Path) -> None:
    data = outlook_message(subject="x", rtf=compress(rb"{\rtf1 some text}")[:-4] + b"abcd")
    with pytest.raises(DocumentCorrupt, match=r"'mail\.msg' is a damaged Outlook message"):
        read(data, tmp_path, "mail.msg")


def test_message_within_an_outlook_message(tmp_path: Path) -> None:
    inner = "__attach_version1.0_#00000000/__substg1.0_3701000D"
    data = ole(
        {
            "__properties_version1.0": bytes(32),
            "__substg1.0_1000001F": "FYI".encode("utf-16-le"),
            f"{inner}/__substg1.0_0037001F": "Contract of May".encode("utf-16-le"),
            f"{inner}/__substg1.0_1000001F": AGREEMENT.encode("utf-16-le"),
        }
    )
    assert text(read(data, tmp_path, "mail.msg")[0]).splitlines() == ["FYI", "Subject: Contract of May", AGREEMENT]


def test_outlook_message_under_rights_management(tmp_path: Path) -> None:
    with pytest.raises(DocumentEncrypted, match="rights management"):
        read(outlook_message(subject="x", attachments={"message.rpmsg": b"x"}), tmp_path, "mail.msg")


@pytest.mark.parametrize("length", [200, 600, 1500])
def test_outlook_message_cut_short(length: int, tmp_path: Path) -> None:
    data = outlook_message(subject="x", body=AGREEMENT * 100, attachments={"a.pdf": b"x" * 9000})
    with pytest.raises(DocumentError, match=r"'mail\.msg'"):
        read(data[:length], tmp_path, "mail.msg")


def test_file_named_msg_that_is_no_message(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="save the message again, as EML"):
        read(ole({"Workbook": b"x"}), tmp_path, "mail.msg")
