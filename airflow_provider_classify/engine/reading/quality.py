"""Whether a page's text layer is worth reading, and which of two readings is the better."""

from __future__ import annotations

import re

from airflow_provider_classify.engine.page import Page

#: A page with less text than this is a picture of a page.
MIN_CHARACTERS = 40
#: Replacement, control and private-use characters.
_GLYPH = re.compile("[\ufffd\x00-\x1f\ue000-\uf8ff]")
#: Of the words of a well-read page more than this share are words or numbers: of 190 pages all but source code.
MIN_CLEAN_WORDS = 0.8
#: Letters only, a hyphen or apostrophe between them; or a number, with its currency.
_CLEAN = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|[^\w\s]?\d[\d.,/:%-]*")
#: So many words tell.
_SAMPLE = 150
#: Of scripts other than Latin, Greek, Chinese and Japanese: Cyrillic up to the Indic scripts, and Hangul.
_UNKNOWN_LETTER = re.compile("[\u0400-\u1cff\uac00-\ud7af]")
_AROUND_WORDS = ".,;:!?()[]\"'«»“”’‘-–—/*•"


def is_readable(page: Page) -> bool:
    """
    Whether the text layer holds enough text, and text rather than glyphs.

    Fonts without a character map give control, replacement or private-use characters, or
    punctuation where letters should be.
    """
    text = "".join(line.text for line in page.lines)
    if len(text) < MIN_CHARACTERS:
        return False
    glyphs = len(_GLYPH.findall(text))
    letters = sum(map(str.isalpha, text))
    digits = sum(map(str.isdigit, text))
    return glyphs <= 0.12 * len(text) and (letters >= 0.15 * len(text) or digits >= 0.3 * len(text))


def is_legible(page: Page) -> bool:
    """Whether the words of the text layer are words: those that old OCR left on scans are often none."""
    pieces = " ".join(line.text for line in page.lines).split(maxsplit=_SAMPLE)[:_SAMPLE]
    words = [word for piece in pieces if (word := piece.strip(_AROUND_WORDS))]
    return sum(_CLEAN.fullmatch(word) is not None for word in words) > MIN_CLEAN_WORDS * len(words)


def can_be_read_by_ocr(page: Page) -> bool:
    """Whether the text is in a script that the OCR models know; of others they read the figures only."""
    text = "".join(line.text for line in page.lines)
    return len(_UNKNOWN_LETTER.findall(text)) <= sum(map(str.isalpha, text)) / 2


def better_reading(text_layer: Page, ocr: Page) -> Page:
    """The OCR's reading, unless it found next to nothing and the text layer has more."""
    return ocr if len(ocr.lines) > 2 or amount_of_text(ocr) >= 0.6 * amount_of_text(text_layer) else text_layer


def amount_of_text(page: Page) -> int:
    """In characters."""
    return sum(len(line.text) for line in page.lines)
