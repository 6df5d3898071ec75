"""Create packets: PDFs and TIFFs of several documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pymupdf

INVOICE_1 = """ACME TOOLS LTD
12 Harbour Road, Bristol  www.acme-tools.example
INVOICE
Invoice number INV-20417   Date 03.02.2026   Customer 88120
Description            Quantity   Unit price   Amount
Cordless drill               2       120.00    240.00
Wood screws                 10         4.50     45.00
Carried forward                               285.00
Page 1 of 2"""
INVOICE_2 = """ACME TOOLS LTD
Invoice number INV-20417   Customer 88120
Description            Quantity   Unit price   Amount
Brought forward                               285.00
Sanding paper                5         3.00     15.00
Subtotal 300.00   VAT 20 % 60.00   Total amount due 360.00
Payment terms: 30 days. Please pay by bank transfer.
Page 2 of 2"""
LETTER = """Lenka Novak
7 Mill Lane, Leeds
14 March 2026

Dear Mrs Trevanion,

thank you for your letter of 22 February. I was glad to hear that the garden is doing well
and that you will visit us in the summer. We look forward to seeing you and the children.

Yours sincerely,
Lenka Novak"""
RECEIPTS = (
    "CORNER CAFE\nReceipt 1182\n2 x Coffee 5.60\n1 x Cake 3.20\nTOTAL 8.80\nCash 10.00\nChange 1.20\nThank you",
    "CITY PARKING\nRECEIPT\nEntry 09:14 Exit 11:50\nParking fee 7.50\nTotal paid 7.50\nCard VISA ****1881",
    "BOOKS AND MORE\nSales receipt\nA Field Guide 18.99\nPostcards 4.00\nTOTAL EUR 22.99\nPaid by card\nCome again",
)
#: The size of a receipt, in points.
SLIP = (226, 400)


def write_packet(path: Path, pages: Sequence[str], sizes: Sequence[tuple[float, float]] = ()) -> Path:
    """Write a PDF of pages of text; an empty text is a blank page. The pages are A4 unless ``sizes`` says otherwise."""
    with pymupdf.open() as document:
        for number, text in enumerate(pages):
            width, height = sizes[number] if sizes else (595, 842)
            document.new_page(width=width, height=height).insert_text((20, 40), text, fontsize=10)
        document.save(path)
    return path
