"""
Split text into words that can be compared: without case, accents, ligatures and punctuation.

The knowledge, the names of categories and the pages use this form. So a word matches even if OCR lost its accent, or if
the page prints it in full-width letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
#: Scripts that are written without spaces: Chinese, Japanese, Thai. Korean has spaces, but adds particles to its words.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
#: Letters that Unicode does not decompose, with their usual transcription.
_LETTERS = {"ß": "ss", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "’": "'"}
_UNDECOMPOSED = re.compile(f"[{''.join(_LETTERS)}]")
#: Accents that a font writes as characters, and such an accent within a word: "d´ebut", as the older fonts of LaTeX do,
#: or "de´but". LaTeX writes the grave accent as a backtick.
_ACCENT_APART = re.compile("[´ˆ¨˜¸ˇ˘˚˝˙]")
_ACCENT_WITHIN = re.compile(r"[´`ˆ¨˜¸ˇ˘˚˝˙](?<=[^\W\d_].)(?=[^\W\d_])")
#: Letters with accents. In a text that has them, an accent apart is an apostrophe: "l´été".
_ACCENTED = re.compile("[à-åç-öù-ÿ]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def fold(text: str) -> str:
    """Return the text in lower case, without accents and ligatures, so that it equals a copy that OCR has read."""
    text = text.lower()
    if text.isascii():
        return text
    # For text without such letters, this is faster than str.translate.
    text = _UNDECOMPOSED.sub(lambda letter: _LETTERS[letter.group()], text)
    if _ACCENT_APART.search(text) and not _ACCENTED.search(text):
        text = _ACCENT_WITHIN.sub("", text)
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)).lower()


def words_of(text: str) -> list[str]:
    """Return the words of a text in order, folded."""
    return _WORD.findall(fold(text))


def words_of_lines(lines: Sequence[str]) -> list[list[str]]:
    """Return the words of each line, folded. For many lines, this is faster than :func:`words_of` for each."""
    folded = fold("\n".join(lines)).split("\n")
    if len(folded) != len(lines):  # a line has a line break in it
        return list(map(words_of, lines))
    return list(map(_WORD.findall, folded))


def is_unspaced(text: str) -> bool:
    """Return whether the text has letters of a script without spaces, where phrases are found as substrings."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def singular(word: str) -> str:
    """Return the word without an English plural ending. Some results are not words, but equal words stay equal."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def spaced(label: str) -> str:
    """Return a category name with spaces between its words: ``bank Statements`` for ``bankStatements``."""
    return _CAMEL.sub(" ", label).replace("_", " ")


def label_words(label: str) -> list[str]:
    """Return the words of a category name, folded and singular: ``bank`` and ``statement`` for ``BankStatements``."""
    return [singular(word) for word in words_of(spaced(label))]


def words_of_labels(labels: Sequence[str]) -> list[list[str]]:
    """Return :func:`label_words` of each category name. For many names, this is faster."""
    return [list(map(singular, words)) for words in words_of_lines(list(map(spaced, labels)))]
