"""
Text as words that can be compared: without case, accents, ligatures and punctuation.

The knowledge, the names of categories and the pages all pass through here, so an accent that
OCR lost, or a full-width letter, matches all the same.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
#: Scripts that are written without spaces: Chinese, Japanese, Korean (whose particles cling to words), Thai.
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
#: Letters that Unicode does not decompose, as they are commonly transcribed.
_LETTERS = {"ß": "ss", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "’": "'"}
_UNDECOMPOSED = re.compile(f"[{''.join(_LETTERS)}]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def fold(text: str) -> str:
    """Lower case, accents and ligatures resolved: what stays equal when a text is printed and read again."""
    text = text.lower()
    if text.isascii():
        return text
    # A search that finds nothing takes a third of what str.translate takes.
    text = _UNDECOMPOSED.sub(lambda letter: _LETTERS[letter.group()], text)
    decomposed = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed)).lower()


def words_of(text: str) -> list[str]:
    """The words of a text in order, folded."""
    return _WORD.findall(fold(text))


def is_unspaced(text: str) -> bool:
    """Whether the text has letters of a script without spaces, where phrases are found as substrings."""
    return not text.isascii() and _UNSPACED.search(text) is not None


def singular(word: str) -> str:
    """The word without an English plural ending; wrong for some words, but the same on both sides."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def spaced(label: str) -> str:
    """A category name as one would write it in a sentence: ``bankStatements`` and ``bank_Statements`` in two words."""
    return _CAMEL.sub(" ", label).replace("_", " ")


def label_words(label: str) -> list[str]:
    """The words of a category name, however it is spelled: ``BankStatements`` is ``bank statement``."""
    return [singular(word) for word in words_of(spaced(label))]
