"""Find the page number that is printed on a page, such as "page 2 of 3"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_provider_classify.engine.page import Line, Page
from airflow_provider_classify.engine.text.words import fold

#: A number without a total counts only if it is near the upper or lower edge: within this share of the page's height.
_MARGIN = 0.1
#: The most characters of a line with a page number.
_MAX_CHARACTERS = 200
#: The greatest page number. Larger numbers are years or amounts.
_MAX_NUMBER = 500
_PAGE = (
    r"(?:page|pages|pagina|pag|pg|p|seite|s|blatt|side|sida|sivu|strana|str|strona|oldal|sayfa|halaman|trang|folha|hoja|"
    r"страница|стр|лист|σελιδα|sheet|slide|feuille|feuillet|blad)"
)
_OF = r"(?:of|von|de|of the|sur|di|af|av|van|z|ze|iz|din|dari|tren|из|з|од|σε|/|\\|\||aus|/\s*of)"
_TOTAL = re.compile(rf"\d\s*{_OF}\s*\d")
_NAMED_OF = re.compile(rf"\b{_PAGE}\b[.:\s#-]*(\d{{1,3}})\s*{_OF}\s*(\d{{1,3}})\b")
_NAMED = re.compile(rf"\b{_PAGE}\b[.:\s#-]*(\d{{1,3}})(?![\d.,/-]*\d)")
_BARE_OF = re.compile(rf"^\W*(\d{{1,3}})\s*{_OF}\s*(\d{{1,3}})\W*$")
_CHINESE_OR_JAPANESE = re.compile(
    r"第\s*(\d{1,3})\s*[页頁ページ]+(?:.{0,4}?[共全/]\s*(\d{1,3})\s*[页頁ページ])?|(\d{1,3})\s*/\s*(\d{1,3})\s*[页頁ページ]"
)
_BARE = re.compile(r"^\W*(\d{1,3})\W*$")
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True)
class PageNumber:
    """
    The page number that is printed on a page.

    :param number: at least 1.
    :param total: the number of pages of the document; None if it is not printed.
    :param is_bare: whether the number is printed without "page" and without a total. It may not be a page number.
    """

    number: int
    total: int | None = None
    is_bare: bool = False

    @property
    def is_last(self) -> bool:
        """Whether the number is the last one of its document, such as "3 of 3"."""
        return self.total is not None and self.number == self.total

    def follows(self, before: PageNumber) -> bool:
        """Return whether the page can follow the page ``before`` in a document."""
        return self.number == before.number + 1 and (
            self.total is None or before.total is None or self.total == before.total
        )


def page_number(page: Page) -> PageNumber | None:
    """Return the printed page number; None if the page has no number. A number with a total is preferred."""
    return max(_candidates(page), key=lambda found: (found.total is not None, not found.is_bare), default=None)


def _candidates(page: Page) -> Iterator[PageNumber]:
    for line in page.lines:
        if len(line.text) > _MAX_CHARACTERS or (line.text.isascii() and not _DIGIT.search(line.text)):
            continue
        text = fold(line.text)
        # Searching for a total is fast, and without one the slow search for the word before it is not needed.
        has_total = _TOTAL.search(text) is not None
        if (has_total or not text.isascii()) and (found := _with_total(text, line)):
            yield found
        elif not _is_at_edge(line):
            continue
        elif (
            not (has_total and _NAMED_OF.search(text))
            and (named := _NAMED.search(text))
            and 0 < int(named[1]) <= _MAX_NUMBER
        ):
            yield PageNumber(int(named[1]))
        elif (bare := _BARE.match(text)) and 0 < int(bare[1]) <= _MAX_NUMBER:
            yield PageNumber(int(bare[1]), is_bare=True)


def _with_total(text: str, line: Line) -> PageNumber | None:
    groups = None
    if found := _NAMED_OF.search(text):
        groups = found.groups()
    elif found := _CHINESE_OR_JAPANESE.search(text):
        groups = tuple(group for group in found.groups() if group is not None)
    elif _is_at_edge(line) and (found := _BARE_OF.match(text)):
        groups = found.groups()
    if not groups:
        return None
    number, total = int(groups[0]), int(groups[1]) if len(groups) > 1 else None
    if number < 1 or (total is not None and not number <= total <= _MAX_NUMBER):
        return None
    return PageNumber(number, total)


def _is_at_edge(line: Line) -> bool:
    return line.y1 < _MARGIN or line.y0 > 1 - _MARGIN
