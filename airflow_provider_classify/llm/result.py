"""Convert the answer of a model to a result of the contract. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_classify.engine.page_contents import DocumentContent, PageContent
from airflow_provider_classify.engine.page_groups import group_pages
from airflow_provider_classify.llm.answer import Choices
from airflow_provider_classify.llm.calibration import Calibration
from airflow_provider_classify.llm.confidence import Judgement, in_category
from airflow_provider_classify.model.json_fields import present
from airflow_provider_classify.model.result import ClassificationResult, PageResult
from airflow_provider_classify.model.usage import Usage

_NO_ANSWER = "The model gave no answer about this page."


@dataclass(frozen=True, slots=True)
class Writer:
    """
    Converts answers to results.

    :param engine: the field ``engine`` of each result; see :meth:`LlmBackend.engine`.
    :param calibration: the calibration of the confidences; ``None`` to keep them.
    """

    choices: Choices
    engine: Mapping[str, Any]
    calibration: Calibration | None = None

    def result(self, content: DocumentContent, judgement: Judgement, usage: Usage) -> ClassificationResult:
        """Return the result of a document that has an answer."""
        answer = judgement.answer
        category, confidence = self._category(answer.option, judgement.confidence, judgement)
        is_single = len(content.filled) == 1
        is_none = self.choices.is_none(answer.option)
        is_calibrated = self._curve(judgement) is not None and not is_none
        pages = [
            self._page(page, judgement, is_single=is_single) if page.is_filled else unanswered(page)
            for page in content.pages
        ]
        extra: dict[str, Any] = {
            "confidence_source": judgement.source,
            **present(
                uncalibrated_confidence=round(judgement.confidence, 4) if is_calibrated else None,
                none_of_these=is_none or None,
                reasoning=answer.reasoning or None,
                votes=dict(judgement.votes) or None,
                read_from=content.read_from,
            ),
            "categories": group_pages(pages),
            "usage": usage.to_json(),
            "engine": dict(self.engine),
        }
        return ClassificationResult(
            success=True,
            classification=category,
            confidence=round(confidence, 4),
            total_pages=len(pages),
            processed_pages=len(pages),
            page_results=() if content.is_image else tuple(pages),
            raw_result=answer.option if content.is_image else None,
            extra=extra,
        )

    def blank(self, content: DocumentContent) -> ClassificationResult:
        """Return the result of a document without any text or picture. The model is not asked about it."""
        pages = tuple(unanswered(page) for page in content.pages)
        return ClassificationResult(
            success=True,
            classification=None,
            confidence=0.0,
            total_pages=len(pages),
            processed_pages=len(pages),
            page_results=() if content.is_image else pages,
            blank=True,
            extra={"engine": dict(self.engine)} | present(read_from=content.read_from),
        )

    def _page(self, page: PageContent, judgement: Judgement, *, is_single: bool) -> PageResult:
        answer = judgement.answer
        if is_single:
            option, confidence = answer.option, judgement.confidence
        elif page.number in answer.pages:
            option, confidence = answer.pages[page.number].option, judgement.pages[page.number]
        else:
            return PageResult(page.number, success=False, classification=None, confidence=0.0, error=_NO_ANSWER)
        category, confidence = self._category(option, confidence, judgement)
        source = "picture" if page.picture is not None else "text"
        extra = {"text_source": source} | present(none_of_these=self.choices.is_none(option) or None)
        return PageResult(
            page.number,
            success=True,
            classification=category,
            confidence=round(confidence, 4),
            raw_result=option,
            extra=extra,
        )

    def _category(self, option: str, confidence: float, judgement: Judgement) -> tuple[str, float]:
        curve = self._curve(judgement)
        if curve is not None and not self.choices.is_none(option):  # a curve is fitted only on answers with a category
            confidence = curve(confidence)
        return in_category(option, judgement.answer.nearest, confidence, self.choices)

    def _curve(self, judgement: Judgement) -> Any:
        return None if self.calibration is None else self.calibration.curves.get(judgement.source)


def unanswered(page: PageContent) -> PageResult:
    """Return the result of a page that is blank or could not be read."""
    if page.is_blank:
        return PageResult(page.number, success=True, classification=None, confidence=0.0, blank=True)
    return PageResult(page.number, success=False, classification=None, confidence=0.0, error=page.error)
