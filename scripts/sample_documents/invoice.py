"""A joiner's invoice to a hotel: items at two VAT rates, totals, payment terms."""

from __future__ import annotations

import pymupdf

from sample_documents.sheet import GREY, SANS, SANS_BOLD, WHITE, Sheet, money

GREEN = (0.13, 0.33, 0.27)
PALE = (0.94, 0.96, 0.94)

# Description, second line, quantity, unit, price in cents, VAT in tenths of a per cent.
ITEMS = (
    ("Reception desk, solid oak, oiled", "3.20 × 0.85 m, cable tray, drawing LJ-D-112", 1, "pc", 428000, 230),
    ("Wall shelf, solid oak, oiled", "1.80 m, concealed steel brackets", 6, "pc", 14650, 230),
    ("Luggage bench, ash, black linoleum top", "1.10 × 0.45 m", 8, "pc", 21900, 230),
    ("Window seat, second-floor landing", "made to template, with hinged lid", 1, "pc", 96500, 230),
    ("Fitting on site, two joiners", "8–10 September 2026", 44, "h", 5800, 135),
    ("Removal and disposal of the old desk", "", 1, "lot", 18000, 135),
)


def draw() -> pymupdf.Document:
    """Draw one A4 page."""
    document = pymupdf.open()
    sheet = Sheet(document)
    _head(sheet)
    y = _items(sheet, 296)
    _totals(sheet, y + 8)
    _payment(sheet, 690)
    sheet.finish()
    return document


def _head(sheet: Sheet) -> None:
    sheet.box(0, 0, sheet.width, 10, GREEN)
    sheet.box(50, 46, 82, 78, GREEN)
    sheet.text(66, 68, "LJ", SANS_BOLD, 16, WHITE, "centre")
    sheet.text(92, 62, "Larkfield Joinery Ltd", SANS_BOLD, 15, GREEN)
    sheet.text(92, 76, "Furniture and fitting-out since 1987", size=9, colour=GREY)
    sheet.text(
        545,
        55,
        "Unit 4, Sandpit Lane\nOranmore, Co. Galway\n020 912 0142\naccounts@larkfield.example",
        size=8.5,
        colour=GREY,
        align="right",
    )
    sheet.text(50, 140, "Bill to", SANS_BOLD, 8.5, GREY)
    sheet.text(50, 156, "Corrib House Hotel\nAttn. Accounts Payable\n21 Wharf Street\nGalway\nVAT no. IE 6388113JH")

    sheet.text(330, 144, "INVOICE", SANS_BOLD, 24, GREEN)
    rows = (
        ("Invoice number", "LJ-2026-0417"),
        ("Invoice date", "14 September 2026"),
        ("Due date", "14 October 2026"),
        ("Your order", "PO 88213"),
        ("Customer number", "10652"),
    )
    for line, (name, value) in enumerate(rows):
        sheet.text(330, 168 + 15 * line, name, size=9.5, colour=GREY)
        sheet.text(545, 168 + 15 * line, value, SANS_BOLD if line == 0 else SANS, 9.5, align="right")
    sheet.text(50, 262, "Furniture for the reception and the second floor, delivered 7 September 2026.")


def _items(sheet: Sheet, y: float) -> float:
    sheet.box(50, y - 15, 545, y + 7, GREEN)
    sheet.text(58, y, "Description", SANS_BOLD, 9, WHITE)
    for x, name in ((346, "Quantity"), (420, "Unit price €"), (465, "VAT %"), (537, "Amount €")):
        sheet.text(x, y, name, SANS_BOLD, 9, WHITE, "right")
    y += 24
    for description, detail, quantity, unit, price, rate in ITEMS:
        sheet.text(58, y, description, size=9.5)
        sheet.text(346, y, f"{quantity} {unit}", size=9.5, align="right")
        sheet.text(420, y, money(price), size=9.5, align="right")
        sheet.text(465, y, f"{rate / 10:.1f}", size=9.5, align="right")
        sheet.text(537, y, money(quantity * price), size=9.5, align="right")
        if detail:
            sheet.text(58, y + 12, detail, size=8.5, colour=GREY)
        y += 23 if detail else 11
        sheet.rule(50, y - 3, 545, (0.8, 0.83, 0.81))
        y += 14
    return y


def _totals(sheet: Sheet, y: float) -> None:
    net = {rate: sum(item[2] * item[4] for item in ITEMS if item[5] == rate) for rate in (230, 135)}
    vat = {rate: round(amount * rate / 1000) for rate, amount in net.items()}
    rows = [("Subtotal", sum(net.values()))]
    rows += [(f"VAT {rate / 10:.1f} % on {money(net[rate])}", vat[rate]) for rate in net]
    for name, cents in rows:
        sheet.text(340, y, name, size=9.5)
        sheet.text(537, y, money(cents), size=9.5, align="right")
        y += 16
    sheet.box(332, y - 10, 545, y + 16, PALE)
    sheet.text(340, y + 7, "Total due", SANS_BOLD, 11.5, GREEN)
    sheet.text(537, y + 7, f"€ {money(sum(net.values()) + sum(vat.values()))}", SANS_BOLD, 11.5, GREEN, "right")


def _payment(sheet: Sheet, y: float) -> None:
    sheet.text(50, y, "Payment", SANS_BOLD, 10, GREEN)
    sheet.paragraph(
        50,
        y + 16,
        230,
        "Please pay within 30 days of the invoice date and quote the invoice number. "
        "On late payment we charge interest at the statutory rate. "
        "The goods remain our property until they are paid for in full.",
        size=9,
    )
    rows = (
        ("Account name", "Larkfield Joinery Ltd"),
        ("Bank", "Lough Atalia Bank, Galway"),
        ("IBAN", "IE97 LKBK 9001 7112 3456 78"),
        ("BIC", "LKBKIE2G"),
        ("Reference", "LJ-2026-0417"),
    )
    for line, (name, value) in enumerate(rows):
        sheet.text(332, y + 14 * line, name, size=9, colour=GREY)
        sheet.text(410, y + 14 * line, value, size=9)
    sheet.rule(50, 790, 545)
    sheet.text(
        sheet.width / 2,
        804,
        "Larkfield Joinery Ltd · Registered in Ireland no. 128804 · VAT no. IE 4812207LH",
        size=8,
        colour=GREY,
        align="centre",
    )
