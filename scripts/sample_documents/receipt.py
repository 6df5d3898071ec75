"""A grocer's till receipt: narrow paper, one typeface, prices in a column."""

from __future__ import annotations

import random

import pymupdf

from sample_documents.sheet import BLACK, MONO, MONO_BOLD, Sheet, money

WIDTH, LENGTH, MARGIN = 227, 568, 14  # an 80 mm roll
COLUMNS = 36  # characters in a line
SIZE = (WIDTH - 2 * MARGIN) / COLUMNS / 0.6  # the width of each character of Courier is 0.6 of the font size

# Description, price in pence, and a second line for an item that is weighed or counted.
ITEMS = (
    ("SOURDOUGH LOAF 800G", 340, ""),
    ("WHOLE MILK 2L", 185, ""),
    ("FREE RANGE EGGS 12", 365, ""),
    ("BRAEBURN APPLES", 197, "0.894 kg @ 2.20/kg"),
    ("VINE TOMATOES", 153, "0.412 kg @ 3.71/kg"),
    ("CHEDDAR MATURE 350G", 425, ""),
    ("GROUND COFFEE 227G", 1050, "2 @ 5.25"),
    ("DARK CHOCOLATE 85%", 230, ""),
    ("WASHING-UP LIQUID *", 179, ""),
    ("KITCHEN ROLL 2PK *", 289, ""),
)
SAVING = 150


def draw() -> pymupdf.Document:
    """Draw one page, as long as the paper."""
    document = pymupdf.open()
    sheet = Sheet(document, (WIDTH, LENGTH))
    middle = WIDTH / 2
    sheet.text(middle, 34, "MARIGOLD STREET", MONO_BOLD, 17, align="centre")
    sheet.text(middle, 51, "GROCERS", MONO_BOLD, 17, align="centre")
    shop = "47 Marigold Street, Bristol\nTel 0117 496 0187\nVAT No. 318 0427 55"
    y = sheet.text(middle, 70, shop, MONO, SIZE, align="centre")
    y += 6
    for line in _lines():
        y = sheet.text(MARGIN, y, line or " ", MONO_BOLD if line.startswith("TOTAL") else MONO, SIZE, leading=1.28)
    y = sheet.text(middle, y + 8, "THANK YOU FOR SHOPPING WITH US", MONO_BOLD, SIZE, align="centre")
    returns = "Please keep this receipt. Unopened\ngoods may be returned in 28 days."
    y = sheet.text(middle, y, returns, MONO, SIZE, align="centre")
    _barcode(sheet, y)
    sheet.text(middle, y + 36, "0047 0203 7741 190926", MONO, 8, align="centre")
    sheet.finish()
    return document


def _lines() -> list[str]:
    subtotal = sum(price for _, price, _ in ITEMS)
    total = subtotal - SAVING
    taxed = sum(price for name, price, _ in ITEMS if name.endswith("*"))
    lines = ["19/09/2026  17:42   TILL 03   #7741", "SERVED BY: PRIYA", "-" * COLUMNS]
    for name, price, detail in ITEMS:
        lines.append(_priced(name, price))
        if detail:
            lines.append(f"   {detail}")
    lines += [
        "-" * COLUMNS,
        _priced("SUBTOTAL", subtotal),
        _priced("LOYALTY SAVING", -SAVING),
        _priced("TOTAL GBP", total),
        "",
        _priced("VISA DEBIT", total),
        "CARD      ************4471",
        "CONTACTLESS     AUTH CODE 038216",
        _priced("CHANGE DUE", 0),
        "",
        "VAT RATE        NET     VAT    GROSS",
        _tax("*A 20.0%", taxed, taxed * 20 / 120),
        _tax(" Z  0.0%", total - taxed, 0),
        "10 LINES, 11 ITEMS",
    ]
    return lines


def _priced(name: str, pence: int) -> str:
    return f"{name:<{COLUMNS - 9}}{money(pence):>9}"


def _tax(rate: str, gross: int, vat: float) -> str:
    vat = round(vat)
    return f"{rate:<12}{money(gross - vat):>7}{money(vat):>8}{money(gross):>9}"


def _barcode(sheet: Sheet, y: float) -> None:
    bars = random.Random(7741)
    x = 42.0
    while x < WIDTH - 44:
        width = bars.choice((0.8, 0.8, 1.6, 2.4))
        sheet.box(x, y - 4, x + width, y + 26, BLACK)
        x += width + bars.choice((0.8, 0.8, 1.6, 2.4))
