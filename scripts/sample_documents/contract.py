"""A services agreement of two pages, signed by both parties."""

from __future__ import annotations

import pymupdf

from sample_documents.sheet import SERIF, SERIF_BOLD, SERIF_ITALIC, Sheet

PARTIES = (
    "(1) BRACKENFIELD DAIRY LIMITED, a company registered in England under number 03114872, whose registered office "
    "is at Upper Mill Farm, Wellow Lane, Frome (the “Client”); and",
    "(2) ALDER & QUILL LIMITED, a company registered in England under number 09227651, whose registered office is at "
    "8 Tannery Court, Bath (the “Supplier”).",
)

CLAUSES = (
    (
        "1. Services",
        "1.1 The Supplier shall keep the refrigeration equipment listed in Schedule 1 in good working order, inspect "
        "it once in every calendar month, and repair faults as set out in clause 2 (the “Services”).",
        "1.2 The Supplier shall perform the Services with reasonable care and skill, and shall use only staff who hold "
        "the qualifications that the law requires for work on refrigerants.",
    ),
    (
        "2. Faults",
        "2.1 The Supplier shall attend within four hours of a fault being reported, on every day of the year, where "
        "the temperature of stored milk is at risk, and otherwise by the end of the next working day.",
        "2.2 Parts that cost less than £250 are included in the Fee. For any other part the Supplier shall give a "
        "written quotation and shall not fit it before the Client has agreed.",
    ),
    (
        "3. Term",
        "3.1 This Agreement begins on 1 July 2026 and continues for three years, unless it is ended earlier under "
        "clause 8. It may be renewed in writing for further periods of one year.",
    ),
    (
        "4. Fee and payment",
        "4.1 The Client shall pay the Supplier £1,480 per month, exclusive of value added tax (the “Fee”). The "
        "Supplier shall invoice the Fee at the end of each month, and the Client shall pay within 30 days.",
        "4.2 The Supplier may raise the Fee once a year, on three months’ notice, by no more than the rise in the "
        "consumer prices index over the preceding twelve months.",
    ),
    (
        "5. Duties of the Client",
        "5.1 The Client shall give the Supplier safe access to the equipment, shall report faults without delay, and "
        "shall not allow anyone else to alter or repair the equipment during the term.",
    ),
    (
        "6. Confidentiality",
        "6.1 Neither party shall disclose to any other person information about the business of the other that it "
        "obtains under this Agreement, except where the law requires it. This clause survives the end of this "
        "Agreement by five years.",
    ),
    (
        "7. Liability and insurance",
        "7.1 Nothing in this Agreement limits liability for death or personal injury caused by negligence, or for "
        "fraud. Subject to this, the total liability of either party in any year shall not exceed £250,000.",
        "7.2 The Supplier shall maintain public liability insurance of at least £2,000,000 and shall show the Client "
        "evidence of it on request.",
    ),
    (
        "8. Termination",
        "8.1 Either party may terminate this Agreement by six months’ written notice to the other.",
        "8.2 Either party may terminate this Agreement at once if the other commits a material breach and does not "
        "remedy it within 28 days of being asked to, or becomes insolvent.",
    ),
    (
        "9. General",
        "9.1 This Agreement is the entire agreement between the parties on its subject. It may be varied only in "
        "writing, signed by both. Neither party may assign it without the consent of the other.",
        "9.2 A notice under this Agreement shall be in writing and delivered by hand or sent by recorded post to the "
        "registered office of the party concerned.",
        "9.3 This Agreement is governed by the law of England and Wales, whose courts have exclusive jurisdiction.",
    ),
)
ON_FIRST_PAGE = 6

Signature = tuple[tuple[float, float], ...]
MARLOWE: Signature = (
    (0, 3), (6, -20), (12, 2), (20, -21), (25, 3), (32, -6), (37, -8), (36, 1), (43, -7), (47, 0), (52, -22), (50, 1),
    (58, -6), (64, 1), (72, -8), (100, 2), (20, 9),
)  # fmt: skip
SANDOVAL: Signature = (
    (16, -18), (6, -22), (2, -13), (14, -6), (12, 4), (0, 2), (18, -2), (27, -8), (25, 1), (32, -7), (36, 1), (43, -8),
    (50, -26), (44, 1), (56, -6), (62, 1), (70, -7), (76, 0), (84, -20), (82, 1), (120, -10),
)  # fmt: skip


def draw() -> pymupdf.Document:
    """Draw two A4 pages."""
    document = pymupdf.open()
    first = Sheet(document)
    first.text(first.width / 2, 86, "SERVICES AGREEMENT", SERIF_BOLD, 18, align="centre")
    first.text(first.width / 2, 106, "for the maintenance of refrigeration equipment", SERIF_ITALIC, 12, align="centre")
    y = first.text(72, 142, "This Agreement is dated 12 June 2026 and is made between:", SERIF, 11) + 5
    for party in PARTIES:
        y = first.paragraph(90, y, 433, party, SERIF, 11) + 5
    y = first.text(72, y + 3, "The parties agree as follows:", SERIF, 11) + 8
    _clauses(first, y, CLAUSES[:ON_FIRST_PAGE])
    _foot(first, 1)

    second = Sheet(document)
    y = _clauses(second, 84, CLAUSES[ON_FIRST_PAGE:])
    y = second.paragraph(
        72,
        y + 12,
        451,
        "IN WITNESS WHEREOF the parties have signed this Agreement, in two copies, on the date given at its beginning.",
        SERIF,
        11,
    )
    _signature(second, 72, y + 22, "the Client", "Edwin Marlowe", "Managing Director", MARLOWE)
    _signature(second, 312, y + 22, "the Supplier", "Inés Sandoval", "Director", SANDOVAL)
    _foot(second, 2)
    return document


def _clauses(sheet: Sheet, y: float, clauses: tuple[tuple[str, ...], ...]) -> float:
    for heading, *paragraphs in clauses:
        y = sheet.text(72, y, heading, SERIF_BOLD, 11) + 2
        for paragraph in paragraphs:
            y = sheet.paragraph(72, y, 451, paragraph, SERIF, 11, leading=1.3) + 4
        y += 5
    return y


def _signature(sheet: Sheet, x: float, y: float, party: str, name: str, role: str, signature: Signature) -> None:
    sheet.text(x, y, f"Signed for and on behalf of\n{party}", SERIF, 11)
    sheet.stroke(x + 20, y + 66, signature)
    sheet.rule(x, y + 74, x + 200)
    sheet.text(x, y + 90, f"Name: {name}\nTitle: {role}\nDate: 12 June 2026", SERIF, 11)


def _foot(sheet: Sheet, number: int) -> None:
    sheet.text(72, 800, "Brackenfield Dairy / Alder & Quill", SERIF, 9)
    sheet.text(523, 800, f"Page {number} of 2", SERIF, 9, align="right")
    sheet.finish()
