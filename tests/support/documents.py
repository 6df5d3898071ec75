"""Small documents that a test needs: a page with text, and what can be wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pymupdf

INVOICE = """INVOICE

Invoice number: 2026-0417          Invoice date: 14 September 2026
Bill to: Trevanion Ltd.            Due date: 14 October 2026

Description            Quantity    Unit price    Amount
Printing paper                4         12.50     50.00

Subtotal 50.00    VAT 20% 10.00    Total due 60.00
Please pay by bank transfer within 30 days."""


def write_pdf(path: Path, text: str = INVOICE, *, password: str | None = None) -> Path:
    """Write a PDF of one page; with a password, one that cannot be opened without it."""
    with pymupdf.open() as document:
        document.new_page().insert_textbox((50, 50, 550, 800), text)
        if password is None:
            document.save(path)
        else:
            document.save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=password, owner_pw=password)
    return path


def write_corrupt_pdf(path: Path) -> Path:
    """Write what begins as a PDF and then is none."""
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20)
    return path
