"""Join letter-spaced words such as "I N V O I C E", which have a space after each letter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

#: The fewest single letters of a letter-spaced text.
FEWEST_LETTERS = 4
#: The least share of single characters among the pieces of a letter-spaced text.
SHARE_OF_SINGLES = 0.6
#: A gap between words is more than WORD_GAP times the median gap, and wider than it by more than WIDER font sizes.
WORD_GAP, WIDER = 1.6, 0.15
#: Each letter-spaced line has two adjacent single characters, because they are more than half of its pieces.
_TWO_SINGLES = re.compile(r"\s\S[^\S\n]+\S\s")
_WIDE_GAP = re.compile(r"\s{2,}")


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a line, with the positions of its left and right edges."""

    text: str
    x0: float
    x1: float


def may_have_letterspacing(text: str) -> bool:
    """
    Return whether one of a text's lines may be letter-spaced. This is far faster than a test of each line.

    :param text: the lines with line breaks between them.
    """
    return _TWO_SINGLES.search(f"\n{text}\n") is not None


def is_letterspaced(text: str) -> bool:
    """Return whether most of the text's pieces are single characters."""
    pieces = text.split()
    singles = [piece for piece in pieces if len(piece) == 1]
    return sum(map(str.isalpha, singles)) >= FEWEST_LETTERS and len(singles) >= SHARE_OF_SINGLES * len(pieces)


def without_letterspacing(text: str) -> str:
    """Return the text, with the letters of each word joined if it is letter-spaced. Two spaces or more end a word."""
    if not is_letterspaced(text):
        return text
    return " ".join("".join(word.split()) for word in _WIDE_GAP.split(text.strip()))


def words_by_gaps(characters: Sequence[Character], size: float) -> str:
    """
    Return the text of a letter-spaced line. Only wide gaps between its characters separate words.

    :param characters: the characters in their order on the line; spaces are ignored.
    :param size: the font size, in the unit of the characters' positions.
    """
    visible = [character for character in characters if not character.text.isspace()]
    gaps = [right.x0 - left.x1 for left, right in pairwise(visible)]
    if not gaps:
        return "".join(character.text for character in visible)
    usual = median(gaps)
    text = visible[0].text
    for gap, character in zip(gaps, visible[1:], strict=True):
        is_between_words = gap > WORD_GAP * usual and gap > usual + WIDER * size
        text += f" {character.text}" if is_between_words else character.text
    return text
