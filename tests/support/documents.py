"""Write small documents for tests: a page of text, and files that cannot be read."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pymupdf

INVOICE = """INVOICE

Invoice number: 2026-0417          Invoice date: 14 September 2026
Bill to: Trevanion Ltd.            Due date: 14 October 2026

Description            Quantity    Unit price    Amount
Printing paper                4         12.50     50.00

Subtotal 50.00    VAT 20% 10.00    Total due 60.00
Please pay by bank transfer within 30 days."""
SHORT_INVOICE = """INVOICE

Invoice number: 2024-117
Bill to: Ann Blue, 3 Mill Lane
Oak boards 12 x 14.50   174.00
Subtotal 174.00
VAT 20% 34.80
Amount due 208.80, payment due within 30 days"""

#: A form to fill in with name, town, number, day and amount. Without examples, the engine classifies it as an invoice
#: or a letter.
PAYMENT_REMINDER = """Nordlicht Supplies Ltd.

To {name}, {town}
Payment reminder

Dear {name},

our invoice number {number} of {day} is still unpaid.
Invoice number {number}
Total amount due {amount} EUR
VAT included
Please transfer the amount within ten days to our bank account.

Yours sincerely
J. Marlow"""


def write_pdf(path: Path, text: str = INVOICE, *, password: str | None = None) -> Path:
    """Write a PDF of one page, encrypted if there is a password."""
    with pymupdf.open() as document:
        document.new_page().insert_textbox((50, 50, 550, 800), text)
        if password is None:
            document.save(path)
        else:
            document.save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=password, owner_pw=password)
    return path


def write_corrupt_pdf(path: Path) -> Path:
    """Write a file that begins like a PDF but is not a PDF."""
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20)
    return path


def write_mail_with_invoice(path: Path) -> Path:
    """Write an e-mail with an attached invoice. The text of the e-mail is long enough to be classified itself."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ann@example.com", "bob@example.com", "Your order"
    message["Date"] = "Mon, 1 Jan 2024 00:00:00 +0000"
    message.set_content("Dear Bob,\nplease find attached what you asked for on the phone last week.\nBest wishes, Ann")
    attached = write_pdf(path.with_suffix(".pdf")).read_bytes()
    message.add_attachment(attached, maintype="application", subtype="pdf", filename="invoice.pdf")
    path.write_bytes(message.as_bytes())
    return path


def write_picture(path: Path) -> Path:
    """Write an image of a page, which only OCR can read."""
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_textbox((50, 50, 550, 800), INVOICE)
        page.get_pixmap(dpi=100).save(path)
    return path
