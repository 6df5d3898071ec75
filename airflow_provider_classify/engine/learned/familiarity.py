"""Measure how familiar a page is. On a page of no known type, few phrases are known and no type has a clear lead."""

from __future__ import annotations

import math
from heapq import nlargest

from airflow_provider_classify.engine.scoring.type_scorer import TypeScores

#: A type with more points has real evidence on the page.
_EVIDENCE = 2.0
#: The number of best types whose points are measured.
_BEST = 4

NAMES: tuple[str, ...] = (
    *(f"familiar:best_{n}" for n in range(1, _BEST + 1)),
    "familiar:lead", "familiar:types", "familiar:phrases", "familiar:density", "familiar:decisive", "familiar:title",
    "familiar:known_words", "familiar:spread",
)  # fmt: skip


def familiarity_measures(types: TypeScores) -> list[float]:
    """Return the measures that ``NAMES`` lists. Most of them lie between 0 and 3."""
    best = nlargest(_BEST, types.scores)
    best += best[-1:] * (_BEST - len(best))
    counts = types.text.counts
    words = [word for word in counts if len(word) > 2 and word.isalpha()]
    unknown = types.text.unknown_words
    weights = [max([weight for _, weight in match.counts_for], default=0.0) * match.factor for match in types.matches]
    total = sum([math.exp(score - best[0]) for score in types.scores])
    return [
        *(score / 4 for score in best),
        best[0] - best[1],
        math.log1p(sum([score > _EVIDENCE for score in types.scores])),
        math.log1p(len(types.matches)),
        len(types.matches) / math.sqrt(len(types.text.words) + 10),
        math.log1p(sum([weight >= 2.0 for weight in weights])),
        max(weights, default=0.0) / 2,
        1.0 - len(unknown.intersection(words)) / max(1, len(words)),
        math.log(total),
    ]
