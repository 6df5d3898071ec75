"""Group the pages of a file into documents, and give each document a category."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from airflow_provider_classify.engine.declared_type import Declaration
from airflow_provider_classify.engine.document_answer import document_answer
from airflow_provider_classify.engine.packets.boundaries import probability_of_boundary
from airflow_provider_classify.engine.packets.traits import PageTraits, traits_of
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer

#: A page with at least this probability begins a document.
MIN_PROBABILITY = 0.5


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """
    A document in a file.

    :param category: the number of its category; None if none of its pages could be read.
    :param pages: the numbers of its pages, in ascending order.
    :param confidence: the probability that the category is right, 0 to 1.
    :param is_cover: whether it is a fax cover or a separator sheet.
    """

    category: int | None
    pages: Sequence[int]
    confidence: float
    is_cover: bool = False


@dataclass(slots=True)
class _Group:
    """The pages of a document. ``answers`` has the pages that could be read and are not blank."""

    pages: list[int] = field(default_factory=list)
    answers: list[PageAnswer] = field(default_factory=list)
    last_traits: PageTraits | None = None


def find_documents(
    answers: Sequence[PageAnswer],
    failed: Collection[int],
    categories: CategorySet,
    *,
    declaration: Declaration | None = None,
    is_packet: bool = True,
) -> list[FoundDocument]:
    """
    Return the documents of a file, in the order of their pages.

    A blank page between two documents belongs to neither of them. A blank page within a document belongs to it. A page
    that cannot be read belongs to the document before it, or to the first document. A fax cover or a separator sheet is
    a document of its own.

    :param answers: the answers of the pages that were read.
    :param failed: the numbers of the pages that could not be read.
    :param declaration: the type that the format declares. A file with a declared type is one document.
    :param is_packet: whether the file may hold several documents.
    """
    may_divide = is_packet and declaration is None and len(answers) > 1
    groups = _groups(answers, failed, categories.type_names, may_divide=may_divide)
    return [_document(group, categories, declaration) for group in groups if group.pages]


def _groups(
    answers: Sequence[PageAnswer], failed: Collection[int], type_names: Sequence[str], *, may_divide: bool
) -> list[_Group]:
    groups = [_Group()]
    blank: list[int] = []
    for number, answer in _in_order(answers, failed):
        if answer is not None and answer.is_blank:
            blank.append(number)
            continue
        group = groups[-1]
        if answer is not None and may_divide:
            traits = traits_of(answer, type_names)
            if group.last_traits is not None and _begins(group.last_traits, traits, is_blank_between=bool(blank)):
                group = _Group()
                groups.append(group)
                blank = []
            group.last_traits = traits
        if group.pages:
            group.pages += blank
        blank = []
        group.pages.append(number)
        if answer is not None:
            group.answers.append(answer)
    return groups


def _in_order(answers: Sequence[PageAnswer], failed: Collection[int]) -> list[tuple[int, PageAnswer | None]]:
    read: dict[int, PageAnswer | None] = {answer.page.number: answer for answer in answers}
    return sorted((read | dict.fromkeys(failed)).items(), key=lambda page: page[0])


def _begins(before: PageTraits, page: PageTraits, *, is_blank_between: bool) -> bool:
    if before.is_cover or page.is_cover:
        return True
    return probability_of_boundary(before, page, is_blank_between=is_blank_between) >= MIN_PROBABILITY


def _document(group: _Group, categories: CategorySet, declaration: Declaration | None) -> FoundDocument:
    found = document_answer(group.answers, categories, declaration=declaration)
    is_cover = len(group.answers) == 1 and group.answers[0].is_cover
    return FoundDocument(found.best, group.pages, found.confidence, is_cover)
