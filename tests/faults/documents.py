"""Write the documents of a run: different letters and invoices, in the folders that its DAG reads."""

from __future__ import annotations

from pathlib import Path

from tests.faults.dags.fault_cases import MAPPED

#: The number of documents of one run.
DOCUMENTS = 300

LETTER = """Dear Mrs. Brown,

thank you for your letter no. {number} of 3 May about {fault}. We have read it with pleasure.

Yours sincerely
John Smith
"""
INVOICE = """INVOICE

Invoice number: 2026-{number:04}          Invoice date: 14 September 2026
Bill to: Trevanion Ltd., {fault}

Printing paper    4    12.50    50.00
Subtotal 50.00    VAT 20% 10.00    Total due 60.00
"""


def draw_documents(folder: Path, fault: str) -> dict[str, str]:
    """Write the documents; return the category of each by its path."""
    sizes = {"resumed": MAPPED, "ended_by_trigger": MAPPED, "batch": DOCUMENTS - 2 * MAPPED}
    drawn = {}
    for name, size in sizes.items():
        (folder / name).mkdir(parents=True)
        for number in range(size):
            category, text = ("letter", LETTER) if number % 2 else ("invoice", INVOICE)
            path = folder / name / f"{number:03}.txt"
            path.write_text(text.format(number=number, fault=f"{fault} {name}"))
            drawn[str(path)] = category
    return drawn
