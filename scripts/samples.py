"""
Draw six sample documents of different categories.

    python scripts/samples.py FOLDER

All people, companies, accounts and dates in them are invented. With the same versions of PyMuPDF and Pillow, the files
are always the same, so demos and tests can rely on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sample_documents import bank_statement, contract, invoice, letter, receipt, resume
from sample_documents.camera import encoded, page_image, photo, scan
from sample_documents.sheet import pdf_bytes

#: The category of each sample, by file name.
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
    Draw the samples into a folder and return their paths, in the order of SAMPLES. Create the folder if needed.

    The invoice, letter and résumé are PDFs with text. The contract is a PDF of scanned pages without a text layer. The
    receipt is a photo, and the bank statement is an image.
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
    """Draw the samples into the folder of the command line and print their paths."""
    parser = argparse.ArgumentParser(description="Draw six sample documents into a folder.")
    parser.add_argument("folder", type=Path)
    for path in draw_samples(parser.parse_args().folder):
        print(path)


if __name__ == "__main__":
    main()
