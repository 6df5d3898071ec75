"""Compare a page with the page before it. The differences are the features of a logistic regression."""

from __future__ import annotations

import math
from collections.abc import Sequence

from airflow_provider_classify.engine.packets.traits import PageTraits, cosine_similarity

#: The longer side of a sheet divided by the shorter one: A4, Letter, Legal, slides.
_SHEETS = (1.414, 1.294, 1.647, 4 / 3, 16 / 9)
#: The proportions of a page may differ from those of a sheet by this share.
_SHEET_TOLERANCE = 0.02

#: The text of a full page ends below this share of the page's height, measured from the top.
_FULL = 0.75


def features_of(before: PageTraits, page: PageTraits) -> dict[str, float]:
    """Return the features of a page that may begin a document. Most of them lie between 0 and 1."""
    return (
        {"constant": 1.0}
        | _look(before, page)
        | _print(before, page)
        | _words(before, page)
        | _types(before, page)
        | _places(before, page)
        | _numbering(before, page)
    )


def _look(before: PageTraits, page: PageTraits) -> dict[str, float]:
    """Return the features of the source, the proportions and the size of the two pages."""
    both_ocr, both_text = before.is_ocr and page.is_ocr, not (before.is_ocr or page.is_ocr)
    ratio = min(1.0, 3 * abs(math.log(max(0.05, page.ratio) / max(0.05, before.ratio))))
    return {
        "source differs": float(before.is_ocr != page.is_ocr),
        "both are read by OCR": float(both_ocr),
        "ratio differs": ratio,
        "ratio differs, both are read by OCR": ratio * both_ocr,
        "ratio is the same, both are read by OCR": float(both_ocr and ratio < 0.02),
        "no sheet of paper, both are read by OCR": float(both_ocr and not _is_sheet(page.ratio)),
        "no sheet of paper before, both are read by OCR": float(both_ocr and not _is_sheet(before.ratio)),
        "size differs": float(both_text and _sizes_differ(before, page)),
        "size is the same": float(both_text and not _sizes_differ(before, page)),
        "pictured": max(page.pictured, before.pictured),
        "legibility differs": min(1.0, 5 * abs(page.legibility - before.legibility)),
    }


def _print(before: PageTraits, page: PageTraits) -> dict[str, float]:
    """Return the features of the print: its size, its margin, and how much of it is prose."""
    both_text = not (before.is_ocr or page.is_ocr)
    print_size = _relative_difference(before.print_size, page.print_size)
    return {
        "large print above": min(1.0, max(0.0, page.print_above - 1) / 2),
        "print size differs": print_size,
        "print size differs, both have a text layer": print_size * both_text,
        "print size is the same": float(both_text and print_size < 0.02),
        "margin differs": min(1.0, abs(page.margin - before.margin) / 0.1),
        "line width differs": min(1.0, abs(page.line_width - before.line_width) / 0.3),
        "prose differs": abs(page.prose - before.prose),
        "both are prose": min(page.prose, before.prose),
        "amounts differ": min(1.0, abs(math.log1p(page.amounts) - math.log1p(before.amounts)) / 3),
        "text of the page before": min(1.0, math.log1p(before.characters) / 8),
        "text": min(1.0, math.log1p(page.characters) / 8),
    }


def _words(before: PageTraits, page: PageTraits) -> dict[str, float]:
    """Return the features of the words, names, identifiers and running lines that the pages share."""
    words = cosine_similarity(before.words, page.words)
    names = cosine_similarity(before.names, page.names)
    shared_running_lines = len(before.running_lines & page.running_lines)
    both_have_running_lines = bool(before.running_lines) and bool(page.running_lines)
    has_little_text = 1.0 if min(before.characters, page.characters) < 150 else 0.0
    return {
        "language differs": float(bool(before.language and page.language and before.language != page.language)),
        "language is the same": float(before.language is not None and before.language == page.language),
        # Most words of a page with little text are words of its type, so they do not count.
        "words": math.sqrt(words) * (1 - has_little_text),
        "little text": has_little_text,
        "names": math.sqrt(names),
        "no names are shared": float(not names and min(len(before.names), len(page.names)) > 3),
        "no words are shared": float(words < 0.02),
        "both are short, no names are shared": float(not names and max(before.bottom, page.bottom) < _FULL),
        "identifiers": min(1.0, math.log1p(len(before.identifiers & page.identifiers)) / 1.5),
        "running lines": min(1.0, shared_running_lines / 2),
        "running lines, missing": float(both_have_running_lines and not shared_running_lines),
        "types differ, words differ": (1 - _overlap(before.types, page.types)) * (1 - math.sqrt(words)),
        "each has a title, no names are shared": min(1.0, page.title / 3, before.title / 3) * (1 - math.sqrt(names)),
        "both are of one-page types, no names are shared": min(before.one_page, page.one_page) * (not names),
    }


def _types(before: PageTraits, page: PageTraits) -> dict[str, float]:
    """Return the features of the document types and categories of the two pages."""
    categories = _overlap(before.categories, page.categories)
    both_are_sure = min(max(before.categories), max(page.categories))
    return {
        "types": _overlap(before.types, page.types),
        "categories": categories,
        "both are of one-page types": min(before.one_page, page.one_page),
        "same category, both are sure": both_are_sure * categories,
        "categories differ, both are sure": both_are_sure * (1 - categories),
    }


def _places(before: PageTraits, page: PageTraits) -> dict[str, float]:
    """Return the features of where the text of the pages begins and ends, and of their titles and letterheads."""
    return {
        "title": min(1.0, page.title / 4),
        "title of the page before": min(1.0, before.title / 4),
        "both have a title": min(1.0, page.title / 3, before.title / 3),
        "title after a page that is not full": min(1.0, page.title / 4) * (before.bottom < _FULL),
        "both are short": float(max(before.bottom, page.bottom) < _FULL),
        "begins within a sentence": float(page.begins_in_sentence),
        "page before ends within a sentence": float(before.ends_in_sentence and before.prose > 0.3),
        "top": min(1.0, page.top / 0.3),
        "top differs": min(1.0, abs(page.top - before.top) / 0.15),
        "page before is not full": min(1.0, max(0.0, 0.93 - before.bottom) / 0.5),
        "contact": float(page.has_contact),
        "date": float(page.has_date),
        "contact of the page before": float(before.has_contact),
    }


def _numbering(before: PageTraits, page: PageTraits) -> dict[str, float]:
    """Return the features of the printed page numbers. Bare numbers have features of their own."""
    earlier, own = before.printed_number, page.printed_number
    names = (
        "number continues", "number restarts", "number does not continue", "number is 1", "number is above 1",
        "page before is not the last", "page before is the last", "numbers stop", "numbers begin above 1",
        "number of the same total continues",
    )  # fmt: skip
    values = dict.fromkeys(names, 0.0) | {f"bare {name}": 0.0 for name in names[:5]}
    prefix = "bare " if (own and own.is_bare) or (earlier and own and earlier.is_bare) else ""
    if own and earlier:
        if own.follows(earlier):
            values[f"{prefix}number continues"] = 1.0
            values["number of the same total continues"] = float(own.total is not None and own.total == earlier.total)
        elif own.number == 1:
            values[f"{prefix}number restarts"] = 1.0
        else:
            values[f"{prefix}number does not continue"] = 1.0
    elif own:
        values[f"{prefix}number is 1" if own.number == 1 else f"{prefix}number is above 1"] = 1.0
        if own.number == 2 and not own.is_bare:
            values["numbers begin above 1"] = 1.0
    elif earlier and not earlier.is_bare:
        values["numbers stop"] = 1.0
    if earlier and earlier.total:
        values["page before is the last" if earlier.is_last else "page before is not the last"] = 1.0
    return values


def _is_sheet(ratio: float) -> bool:
    """Return whether a page has the proportions of a sheet of paper or of a slide, in portrait or landscape."""
    longer = max(ratio, 1 / max(0.01, ratio))
    return any(abs(longer / sheet - 1) < _SHEET_TOLERANCE for sheet in _SHEETS)


def _overlap(first: Sequence[float], second: Sequence[float]) -> float:
    return sum(map(min, first, second))


def _sizes_differ(before: PageTraits, page: PageTraits) -> bool:
    assert before.size is not None
    assert page.size is not None
    return any(abs(a - b) > 2 for a, b in zip(before.size, page.size, strict=True))


def _relative_difference(first: float, second: float) -> float:
    """Return the relative difference of two numbers, 0 to 1. It is 1 if one is at least twice the other."""
    if min(first, second) <= 0:
        return float(first != second)
    return min(1.0, abs(math.log2(first / second)))
