"""Judge a page's text layer by its text, and compare it with what OCR reads."""

from __future__ import annotations

import re
from string import ascii_letters, digits

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.text.words import words_of

#: A page whose text layer has fewer characters is read by OCR.
MIN_CHARACTERS = 40
#: Replacement, control and private-use characters.
_GLYPH = re.compile("[\ufffd\x00-\x1f\ue000-\uf8ff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
#: Text is legible if more than this share of its words consist of letters only, or are numbers.
MIN_CLEAN_WORDS = 0.8
#: Letters only, which hyphens or apostrophes may separate; or a number, with its currency sign.
_CLEAN = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*|[^\w\s]?\d[\d.,/:%-]*")
#: The most words of a page that are judged.
_SAMPLE = 150
#: The fewest letters of a word that is compared.
_SHORTEST = 3
#: A text layer has the same text as the page if it has at least this share of the words that OCR reads. The second
#: value is the least legibility at which OCR's words are trusted.
MIN_SAME_WORDS, _SURE = 0.4, 0.8
#: Letters that the OCR models do not know: from Cyrillic to the Indic scripts, and Hangul.
_UNKNOWN_LETTER = re.compile("[\u0400-\u1cff\uac00-\ud7af]")
_AROUND_WORDS = ".,;:!?()[]\"'«»“”’‘-–—/*•"


def is_readable(page: Page) -> bool:
    """
    Return whether the text layer has enough text, and whether that text has letters or digits.

    Fonts without a character map give control, replacement or private-use characters, or punctuation, instead of
    letters.
    """
    text = "".join([line.text for line in page.lines])
    if len(text) < MIN_CHARACTERS:
        return False
    glyphs = 0 if text.isascii() and text.isprintable() else len(_GLYPH.findall(text))
    letters, figures = _count_letters_and_digits(text)
    return glyphs <= 0.12 * len(text) and (letters >= 0.15 * len(text) or figures >= 0.3 * len(text))


def is_legible(page: Page) -> bool:
    """Return whether most words are letters only, or numbers. Words of a bad OCR contain digits and punctuation."""
    words = [word for piece in _first_pieces(page) if (word := piece.strip(_AROUND_WORDS))]
    clean = sum([word.isalpha() or _CLEAN.fullmatch(word) is not None for word in words])
    return clean > MIN_CLEAN_WORDS * len(words)


def _first_pieces(page: Page) -> list[str]:
    """Return the first ``_SAMPLE`` pieces of the page's text, split at white space."""
    pieces: list[str] = []
    for line in page.lines:
        pieces += line.text.split()
        if len(pieces) >= _SAMPLE:
            break
    return pieces[:_SAMPLE]


def says_the_same(text_layer: Page, ocr: Page) -> bool:
    """Return whether the text layer has the words that OCR read; true if OCR's words cannot be trusted."""
    words = [word for line in ocr.lines for word in words_of(line.text) if len(word) >= _SHORTEST and word.isalpha()]
    if ocr.legibility < _SURE or not words:
        return True
    present = set(words_of("\n".join(line.text for line in text_layer.lines)))
    return sum(word in present for word in words) >= MIN_SAME_WORDS * len(words)


def can_be_read_by_ocr(page: Page) -> bool:
    """Return whether the text is in a script that the OCR models know. In other scripts they read only the digits."""
    text = "".join(line.text for line in page.lines)
    return len(_UNKNOWN_LETTER.findall(text)) <= sum(map(str.isalpha, text)) / 2


def better_reading(text_layer: Page, ocr: Page) -> Page:
    """Return the page as OCR read it, or the text layer if OCR read almost nothing and the text layer has more."""
    return ocr if len(ocr.lines) > 2 or amount_of_text(ocr) >= 0.6 * amount_of_text(text_layer) else text_layer


def has_same_words(text_layer: Page, ocr: Page) -> bool:
    """
    Return whether OCR read the words of the text layer, and the page shows no others.

    Then the text layer is the better reading.
    """
    words = _words(ocr)
    is_all = not ocr.unread and not ocr.is_of_unknown_script
    return is_all and bool(words) and words == _words(text_layer)


def _words(page: Page) -> list[str]:
    """Return the words of a page, sorted, because OCR reads the most useful lines first."""
    return sorted(words_of("\n".join(line.text for line in page.lines)))


def amount_of_text(page: Page) -> int:
    """Return the number of characters in the lines of a page."""
    return sum([len(line.text) for line in page.lines])


def _count_letters_and_digits(text: str) -> tuple[int, int]:
    # For the characters of ASCII, this is ten times faster than str.isalpha and str.isdigit.
    ascii_part = text.encode("ascii", errors="ignore")
    without_letters = ascii_part.translate(None, ascii_letters.encode())
    without_digits = without_letters.translate(None, digits.encode())
    others = "" if text.isascii() else "".join(_NOT_ASCII.findall(text))
    letters = len(ascii_part) - len(without_letters) + sum(map(str.isalpha, others))
    return letters, len(without_letters) - len(without_digits) + sum(map(str.isdigit, others))
