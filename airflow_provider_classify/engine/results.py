"""Write answers about pages as the contract's results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_classify.engine.categories.paths import sums_of_nodes
from airflow_provider_classify.engine.confidence import combine, page_weight
from airflow_provider_classify.engine.page_groups import group_pages
from airflow_provider_classify.engine.scoring.category_set import CategorySet, PageAnswer
from airflow_provider_classify.engine.text.language import guess_language
from airflow_provider_classify.exceptions import DocumentError
from airflow_provider_classify.model.contract import ClassificationResult, PageResult

#: How many phrases a page names as evidence.
EVIDENCE = 3


class ResultWriter:
    """
    Writes results for one set of categories.

    :param engine: what each result says of the engine that made it.
    :param nodes: the nodes of categories whose names are paths (see :func:`~.categories.paths.inner_nodes`).
    """

    def __init__(self, categories: CategorySet, engine: Mapping[str, Any], nodes: Mapping[str, Sequence[int]]) -> None:
        self._categories = categories
        self._engine = engine
        self._nodes = nodes

    def result(
        self, answers: Sequence[PageAnswer], failed: Mapping[int, DocumentError], *, is_image: bool
    ) -> ClassificationResult:
        """Return the result of a document from its pages' answers, and the errors of the pages that failed."""
        names = self._categories.names
        first = min(answer.page.number for answer in answers)
        points = combine([(a.points, page_weight(a.page.number == first, a.characters)) for a in answers])
        shares = self._categories.shares(points)
        best = shares.index(max(shares))
        pages = [self._page_result(answer) for answer in answers]
        extra: dict[str, Any] = {
            "scores": {name: round(share / sum(shares), 4) for name, share in zip(names, shares, strict=True)},
            "categories": group_pages(
                result for result, answer in zip(pages, answers, strict=True) if answer.characters
            ),
            "language": guess_language(word for answer in answers for word in answer.scored.types.text.words),
            "engine": self._engine,
        }
        if self._nodes:
            extra["confidence_by_path"] = {
                node: round(share, 4) for node, share in sums_of_nodes(self._nodes, shares).items()
            }
        if is_image:
            extra |= pages[0].extra
        pages += [
            PageResult(page=number, success=False, classification=None, confidence=0.0, error=str(error))
            for number, error in failed.items()
        ]
        return ClassificationResult(
            success=True,
            classification=names[best],
            confidence=round(shares[best], 4),
            total_pages=len(pages),
            processed_pages=len(pages),
            page_results=() if is_image else tuple(sorted(pages, key=lambda page: page.page)),
            raw_result=pages[0].raw_result if is_image else None,
            extra=extra,
        )

    def _page_result(self, answer: PageAnswer) -> PageResult:
        types, type_names = answer.scored.types, self._categories.type_names
        raw = types.scores.index(max(types.scores))
        scorer = self._categories.scorers[answer.best]
        told_by = scorer.best_type(answer.scored)
        told_by = raw if told_by is None else told_by
        extra: dict[str, Any] = {
            "text_source": answer.page.source,
            "evidence": [
                {
                    "text": found.phrase,
                    "type": type_names[told_by],
                    "page": answer.page.number,
                    "line": found.line.text,
                    "box": [round(v, 4) for v in (found.line.x0, found.line.y0, found.line.x1, found.line.y1)],
                }
                for found in types.evidence(told_by, EVIDENCE)
            ],
        }
        if answer.page.is_of_unknown_script:
            extra["unknown_script"] = True
        if like := scorer.like_example(answer.scored):
            extra["nearest_example"] = {"document": like.path, "likeness": round(like.likeness, 4)}
        return PageResult(
            page=answer.page.number,
            success=True,
            classification=scorer.name,
            confidence=round(answer.confidence, 4),
            raw_result=type_names[raw],
            extra=extra,
        )
