"""The scripts that the OCR models do not know, and the check that a text was read in the right one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

#: The least share of a text's letters that are of its script. The share is lower if the text was read with the data of
#: another script.
_LEAST_OF_SCRIPT = 0.9
#: The same for a sample that was read with the data of several scripts together. The second value is the least density
#: of the sample, as a share of the script's density.
_LEAST_OF_SAMPLE, _SHARE_OF_DENSITY = 0.7, 0.5
#: The least share of a text's letters that are in likely words. The share is lower if the text was read with the data
#: of another language.
_LEAST_IN_WORDS = 0.8
#: The fewest letters of a likely word.
_FEWEST_LETTERS = 3
_EDGES = ".,;:!?()[]\"'«»“”’‘-–—/*•"


@dataclass(frozen=True)
class Script:
    """
    A script.

    :param name: its name in English.
    :param ranges: the ranges of its letters, as in a regular expression.
    :param languages: Tesseract's names of the languages that are written in it, the most common one first.
    :param density: the fewest letters that a line in this script has for each square letter that fits in the line.
    :param has_capitals: whether it has capital letters. Their places in words show whether a text was read correctly.
    :param has_spaces: whether spaces separate its words.
    """

    name: str
    ranges: str
    languages: tuple[str, ...]
    density: float = 0.8
    has_capitals: bool = False
    has_spaces: bool = True

    @cached_property
    def _letters(self) -> re.Pattern[str]:
        return re.compile(f"[{self.ranges}]")

    def count(self, text: str) -> int:
        """Return the number of letters of this script, including the marks on them."""
        return sum(map(_is_letter, self._letters.findall(text)))

    def sureness(self, text: str, room: float) -> float:
        """
        Return how sure it is that a text is in this script and was read correctly, 0 to 1; 0 if it probably is not.

        :param room: the number of square letters that fit in its lines.
        """
        letters = sum(map(_is_letter, text))
        found = self.count(text)
        if not letters or found < self.density * room or found < _LEAST_OF_SCRIPT * letters:
            return 0.0
        share = letters_in_words(text) / letters if self.has_capitals else found / letters
        return share if share >= _LEAST_IN_WORDS else 0.0


#: The scripts. Tesseract splits Korean words into pieces. Phrases are found anyway, because they are searched without
#: spaces.
SCRIPTS: Sequence[Script] = (
    Script(
        "Cyrillic",
        "\u0400-\u052f",
        ("rus", "ukr", "bel", "bul", "mkd", "srp", "kaz", "kir", "mon", "tgk", "tat"),
        has_capitals=True,
    ),
    Script("Greek", "\u0370-\u03ff\u1f00-\u1fff\u00b5", ("ell",), has_capitals=True),
    Script(
        "Arabic", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff", ("ara", "fas", "urd", "pus", "uig", "snd")
    ),
    Script("Hebrew", "\u0590-\u05ff\ufb1d-\ufb4f", ("heb", "yid")),
    Script("Devanagari", "\u0900-\u097f", ("hin", "mar", "nep", "san")),
    Script("Korean", "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af", ("kor",)),
    # With the data of Thai, any print is read as Thai, but with fewer letters than real Thai has.
    Script("Thai", "\u0e00-\u0e7f", ("tha",), density=3.0, has_spaces=False),
    Script("Bengali", "\u0980-\u09ff", ("ben", "asm")),
    Script("Gurmukhi", "\u0a00-\u0a7f", ("pan",)),
    Script("Gujarati", "\u0a80-\u0aff", ("guj",)),
    Script("Oriya", "\u0b00-\u0b7f", ("ori",)),
    Script("Tamil", "\u0b80-\u0bff", ("tam",)),
    Script("Telugu", "\u0c00-\u0c7f", ("tel",)),
    Script("Kannada", "\u0c80-\u0cff", ("kan",)),
    Script("Malayalam", "\u0d00-\u0d7f", ("mal",)),
    Script("Sinhala", "\u0d80-\u0dff", ("sin",)),
    Script("Lao", "\u0e80-\u0eff", ("lao",), has_spaces=False),
    Script("Tibetan", "\u0f00-\u0fff", ("bod", "dzo"), has_spaces=False),
    Script("Burmese", "\u1000-\u109f", ("mya",), has_spaces=False),
    Script("Georgian", "\u10a0-\u10ff", ("kat",)),
    Script("Ethiopic", "\u1200-\u137f", ("amh", "tir")),
    Script("Khmer", "\u1780-\u17ff", ("khm",), has_spaces=False),
    Script("Armenian", "\u0530-\u058f", ("hye",), has_capitals=True),
)


def script_of(text: str, room: float, scripts: Iterable[Script] = SCRIPTS) -> Script | None:
    """
    Return the script of a sample of a page; None if it is probably another script than these.

    :param text: the text that was read with the data of all ``scripts`` together. Print in another script becomes text
        in several of them.
    :param room: the number of square letters that fit in its lines.
    """
    best = max(scripts, key=lambda script: script.count(text), default=None)
    if best is None:
        return None
    found = best.count(text)
    is_dense = found > _SHARE_OF_DENSITY * best.density * room
    return best if is_dense and found >= _LEAST_OF_SAMPLE * sum(map(_is_letter, text)) else None


def letters_in_words(text: str) -> int:
    """
    Return the number of letters in likely words.

    A likely word has at least three letters. All are capitals, or none but the first.
    """
    words = (word.strip(_EDGES).replace("-", "") for word in text.split())
    return sum(len(word) for word in words if len(word) >= _FEWEST_LETTERS and _is_word(word))


def _is_word(word: str) -> bool:
    return word.isalpha() and (word[1:] == word[1:].lower() or word == word.upper())


def _is_letter(character: str) -> bool:
    """Return whether a character is a letter, or a mark on one, such as a vowel of Thai or Hindi."""
    return character.isalpha() or unicodedata.category(character).startswith("M")
