"""
Read the pages of a document until their answers are sure.

OCR takes about a hundred times as long as reading a text layer. So a page is read in passes, each time more complete,
and its answer is examined after each pass.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow_provider_classify.engine.confidence import SURE, is_sure
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import OpenedDocument, PageReading
from airflow_provider_classify.engine.reading.opened_document import TextPage
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer
from airflow_provider_classify.exceptions import DocumentEmpty, DocumentError

#: OCR does not read a page if its text layer gives a category more than this probability, and another page is sure of
#: this category.
MIN_AGREEMENT = 0.5

#: The answer or the error of a page.
Outcome = PageAnswer | DocumentError
#: The answers to the passes of a page, by the identity of the pass.
_AnswerOfPass = dict[int, PageAnswer]


def read_pages(
    document: OpenedDocument, categories: CategorySet, *, fallback: int | None, reads_all: bool
) -> dict[int, Outcome]:
    """
    Return the answer or the error of each page, by page number.

    If the text of a page is not enough, OCR may find more text in its pictures. OCR reads such a page after all other
    pages, and only while no page is sure.

    :param fallback: the number of a category whose points are limited to those that any category gets by chance; None
        for no such category.
    :param reads_all: whether all pages of the file are read. Then OCR reads each page at once, because the pages may
        be of different documents.
    """
    pages = _Pages(document, categories, fallback)
    return pages.read_all() if reads_all or document.page_count == 1 else pages.read_text_first()


class _Pages:
    def __init__(self, document: OpenedDocument, categories: CategorySet, fallback: int | None) -> None:
        self._document, self._categories, self._fallback = document, categories, fallback
        self._found: dict[int, Outcome] = {}
        self._known: set[int] = set()  # the categories of which a page is sure
        # The answers to the text layers of the pages that wait for OCR, by the number of the page. Such a page is read
        # once more, from its first pass on.
        self._by_text_layer: dict[int, _AnswerOfPass] = {}

    def read_all(self) -> dict[int, Outcome]:
        """Read each page in the order of the document."""
        for reading in self._document.pages:
            self._keep(reading.number, self._whole(reading))
        return self._found

    def read_text_first(self) -> dict[int, Outcome]:
        """Read each page in the order of the document, but pictures beside text at the end."""
        waiting: list[PageReading] = []
        for reading in self._document.pages:
            outcome, is_enough = self._by_text(reading)
            if outcome is None:
                self._keep(reading.number, self._whole(reading))
            elif is_enough:
                self._keep(reading.number, outcome)
            else:
                self._found[reading.number] = outcome
                waiting.append(reading)
        for reading in waiting:
            if not self._known:
                self._keep(reading.number, self._whole(reading))
        return self._found

    def _keep(self, number: int, outcome: Outcome) -> None:
        self._found[number] = outcome
        self._by_text_layer.pop(number, None)
        if isinstance(outcome, PageAnswer) and outcome.confidence > SURE:
            self._known.add(outcome.best)

    def _by_text(self, reading: PageReading) -> tuple[Outcome | None, bool]:
        """Return the outcome of a page without OCR, and whether it is enough. The outcome is None if OCR is needed."""
        if not isinstance(reading, TextPage):
            return None, False
        answers: _AnswerOfPass = {}
        try:
            answer, is_enough = self._answer(reading.text_passes(), answers)
            is_enough = is_enough and not reading.may_lack_most_text()
        except DocumentError as error:
            return error, True
        self._by_text_layer[reading.number] = answers
        return answer, is_enough

    def _whole(self, reading: PageReading) -> Outcome:
        """Return the outcome of a page, with OCR if its text is not enough."""
        try:
            answer, _ = self._answer(reading.passes(), self._by_text_layer.get(reading.number, {}))
        except DocumentError as error:
            return error
        return answer or DocumentEmpty(f"Page {reading.number} has no content.")

    def _answer(self, passes: Iterable[Page], answers: _AnswerOfPass) -> tuple[PageAnswer | None, bool]:
        """
        Read passes of a page until its answer is sure.

        :param answers: the known answers, by the identity of the pass. New answers are added.
        :returns: the answer, and whether no more passes are needed.
        """
        answer = None
        for page in passes:
            answer = answers.get(id(page))  # an answer keeps its pass, so no other pass has the same identity
            if answer is None:
                answer = self._categories.answer(page, origin=self._document.origin, fallback=self._fallback)
                answers[id(page)] = answer
            if is_sure(self._categories.certainty(answer), lines=len(page.lines), unread=len(page.unread)):
                return answer, True
            if page.source == "text_layer" and answer.best in self._known and answer.confidence > MIN_AGREEMENT:
                return answer, True
        return answer, False
