"""A bank statement for a month: a summary, and transactions with a running balance."""

from __future__ import annotations

import pymupdf

from sample_documents.sheet import GREY, SANS, SANS_BOLD, WHITE, Sheet, money

NAVY = (0.08, 0.19, 0.38)
PALE = (0.93, 0.95, 0.98)
OPENING = 184_236

# Day of August 2026, kind, description, pence in or out.
TRANSACTIONS = (
    ("01 Aug", "SO", "Harbour Lettings, rent Flat 6", -92_500),
    ("03 Aug", "DD", "Severn Water, ref 4410 2276", -3_418),
    ("03 Aug", "DD", "City Council, council tax", -15_200),
    ("04 Aug", "CARD", "Marigold Street Grocers", -3_871),
    ("06 Aug", "CARD", "Harbourside Station, tickets", -4_260),
    ("07 Aug", "FP", "From T. Adeyemi, holiday cottage share", 21_000),
    ("10 Aug", "DD", "Brightline Broadband", -2_900),
    ("11 Aug", "CARD", "Clifton Road Pharmacy", -1_145),
    ("13 Aug", "ATM", "Cash withdrawal, Queen Square", -6_000),
    ("14 Aug", "CARD", "Foxglove Books", -2_697),
    ("17 Aug", "DD", "Wessex Energy, gas and electricity", -11_350),
    ("18 Aug", "CARD", "Marigold Street Grocers", -5_216),
    ("20 Aug", "FP", "To E. Marsh, piano lessons", -8_000),
    ("21 Aug", "CARD", "The Copper Kettle", -2_480),
    ("24 Aug", "DD", "Orchard Mobile", -1_600),
    ("25 Aug", "CARD", "Avon Cycle Works, service", -7_450),
    ("28 Aug", "BGC", "Pennant Instruments Ltd, salary", 264_718),
    ("28 Aug", "SO", "Transfer to savings 20-7741", -40_000),
    ("31 Aug", "INT", "Credit interest", 132),
)


def draw() -> pymupdf.Document:
    """Draw one A4 page."""
    document = pymupdf.open()
    sheet = Sheet(document)
    _head(sheet)
    _summary(sheet, 206)
    _transactions(sheet, 302)
    notes = (
        "Please check the entries on this statement and tell us within 30 days of anything that you do not recognise. "
        "Eligible deposits are protected up to the limit of the national deposit guarantee scheme. "
        "BGC bank giro credit · DD direct debit · FP faster payment · INT interest · SO standing order."
    )
    sheet.paragraph(45, 766, 505, notes, size=7.5, colour=GREY)
    sheet.text(45, 818, "Northmere Bank plc · 1 Assembly Row, Leeds · Registered in England no. 00412907", size=7.5)
    sheet.text(550, 818, "Page 1 of 1", size=7.5, align="right")
    sheet.finish()
    return document


def _head(sheet: Sheet) -> None:
    sheet.box(0, 0, sheet.width, 62, NAVY)
    sheet.text(45, 40, "Northmere Bank", SANS_BOLD, 20, WHITE)
    sheet.text(550, 39, "Current account statement", SANS, 13, WHITE, "right")
    sheet.text(45, 96, "Ms Helen Whitcombe\nFlat 6, 12 Redcliff Parade\nBristol BS0 6SP")
    details = (
        ("Statement number", "8 / 2026"),
        ("Statement period", "1 August 2026 – 31 August 2026"),
        ("Sort code", "00-00-41"),
        ("Account number", "72683519"),
        ("IBAN", "GB53 NRTM 0000 4172 6835 19"),
    )
    for line, (name, value) in enumerate(details):
        sheet.text(320, 96 + 15 * line, name, size=9, colour=GREY)
        sheet.text(550, 96 + 15 * line, value, size=9, align="right")


def _summary(sheet: Sheet, y: float) -> None:
    paid_in = sum(amount for *_, amount in TRANSACTIONS if amount > 0)
    paid_out = -sum(amount for *_, amount in TRANSACTIONS if amount < 0)
    sheet.box(45, y - 20, 550, y + 36, PALE)
    figures = (
        ("Opening balance", OPENING),
        ("Money in", paid_in),
        ("Money out", paid_out),
        ("Closing balance", OPENING + paid_in - paid_out),
    )
    for column, (name, pence) in enumerate(figures):
        sheet.text(60 + 125 * column, y, name, size=9, colour=GREY)
        sheet.text(60 + 125 * column, y + 20, f"£{money(pence)}", SANS_BOLD, 13, NAVY)


def _transactions(sheet: Sheet, y: float) -> None:
    sheet.text(45, y - 28, "Your transactions", SANS_BOLD, 12, NAVY)
    sheet.rule(45, y + 6, 550, NAVY, 1.2)
    for x, name in ((45, "Date"), (95, "Type"), (140, "Description")):
        sheet.text(x, y, name, SANS_BOLD, 9)
    for x, name in ((400, "Paid out £"), (475, "Paid in £"), (550, "Balance £")):
        sheet.text(x, y, name, SANS_BOLD, 9, align="right")

    balance = OPENING
    y += 21
    _balance(sheet, y, "Balance brought forward", balance)
    for date, kind, description, amount in TRANSACTIONS:
        y += 20
        balance += amount
        sheet.rule(45, y - 13, 550, (0.85, 0.87, 0.9), 0.5)
        sheet.text(45, y, date, size=9)
        sheet.text(95, y, kind, size=9, colour=GREY)
        sheet.text(140, y, description, size=9)
        sheet.text(400 if amount < 0 else 475, y, money(abs(amount)), size=9, align="right")
        sheet.text(550, y, money(balance), size=9, align="right")
    y += 20
    sheet.rule(45, y - 13, 550, NAVY, 1.2)
    _balance(sheet, y + 2, "Balance carried forward", balance)


def _balance(sheet: Sheet, y: float, name: str, pence: int) -> None:
    sheet.text(140, y, name, SANS_BOLD, 9)
    sheet.text(550, y, money(pence), SANS_BOLD, 9, align="right")
