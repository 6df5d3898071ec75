"""
Draw six sample documents, one of each kind that an office receives.

    python scripts/samples.py FOLDER

People, companies, accounts and dates in them are invented. The files come out the same every
time (for the same versions of PyMuPDF and Pillow), so a demo or a test can rely on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sample_documents import bank_statement, contract, invoice, letter, receipt, resume
from sample_documents.camera import encoded, page_image, photo, scan
from sample_documents.sheet import pdf_bytes

#: File name → the category that it belongs to.
SAMPLES = {
    "invoice.pdf": "invoice",
    "receipt.jpg": "receipt",
    "contract.pdf": "contract",
    "letter.pdf": "letter",
    "resume.pdf": "resume",
    "bank_statement.png": "bank_statement",
}


def draw_samples(folder: Path) -> list[Path]:
    """
    Draw the samples into ``folder``, which is made if missing, and return their paths in the order of SAMPLES.

    The invoice, letter and résumé are PDFs with text; the contract is a PDF of scanned pages without a
    text layer; the receipt is a photo; the bank statement is an image.
    """
    contents = {
        "invoice.pdf": pdf_bytes(invoice.draw(), "Invoice LJ-2026-0417", "20260914"),
        "receipt.jpg": encoded(photo(receipt.draw()), "JPEG", quality=82),
        "contract.pdf": pdf_bytes(scan(contract.draw()), "Scan", "20260612"),
        "letter.pdf": pdf_bytes(letter.draw(), "Letter to Mrs Trevanion", "20260616"),
        "resume.pdf": pdf_bytes(resume.draw(), "Lenka Horák", "20260302"),
        "bank_statement.png": encoded(page_image(bank_statement.draw()[0], 150), "PNG"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name for name in SAMPLES]
    for path in paths:
        path.write_bytes(contents[path.name])
    return paths


def main() -> None:
    """Draw the samples into the folder given on the command line and print their paths."""
    parser = argparse.ArgumentParser(description="Draw six sample documents into a folder.")
    parser.add_argument("folder", type=Path)
    for path in draw_samples(parser.parse_args().folder):
        print(path)


if __name__ == "__main__":
    main()
