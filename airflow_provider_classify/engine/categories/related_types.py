"""
Find the types that count for a category because they are related to a type that it means.

A passport counts for ``id_card`` if there is no category for passports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from airflow_provider_classify.engine.knowledge.document_type import DocumentType, Knowledge

#: The weight of a type, from 0 to 1, for a category that means its parent, or a related type.
BY_PARENT = 0.9
BY_RELATION = 0.4
#: The weight of a type, from 0 to 1, for a category that means one of its kinds, or another kind of its parent.
BY_KIND = 0.15
#: The most generations of parents that are searched.
_GENERATIONS = 3

#: Type names with their weights, from 0 to 1.
Weights = Mapping[str, float]


def inherited(meant: Sequence[Weights], knowledge: Knowledge, *, only_parents: bool = False) -> list[dict[str, float]]:
    """
    Return for each category the types that it does not mean and that count for it.

    A type counts for the categories that mean its nearest relatives.

    :param meant: the types that each category means.
    :param only_parents: leave out types that are only related. Set it if there is a catch-all category, which
        takes these types.
    """
    gained: list[dict[str, float]] = [{} for _ in meant]
    claimed = {name for types in meant for name in types}
    kinds: dict[str, list[str]] = defaultdict(list)
    for document_type in knowledge.types.values():
        for parent in document_type.parents:
            kinds[parent].append(document_type.name)
    for document_type in knowledge.types.values():
        if document_type.name in claimed:
            continue
        for relatives in _relatives(document_type, kinds, knowledge, only_parents=only_parents):
            weights = [max(types.get(name, 0.0) * weight for name, weight in relatives.items()) for types in meant]
            if any(weights):
                for types, weight in zip(gained, weights, strict=True):
                    if weight:
                        types[document_type.name] = weight
                break
    return gained


def _relatives(
    document_type: DocumentType, kinds: Mapping[str, Sequence[str]], knowledge: Knowledge, *, only_parents: bool
) -> Iterator[dict[str, float]]:
    """
    Yield the types for which this type may count, each with its weight. The nearest types come first.

    The order is: its parents, its related types, the parents and related types of its parents, and so on. Its kinds
    and the other kinds of its parents come last.
    """
    weight, generation = 1.0, [document_type]
    for _ in range(_GENERATIONS):
        parents = dict.fromkeys((name for t in generation for name in t.parents), weight * BY_PARENT)
        related = dict.fromkeys((name for t in generation for name in t.related), weight * BY_RELATION)
        if parents:
            yield parents
        if related and not only_parents:
            yield related
        generation = [knowledge.types[name] for name in parents if name in knowledge.types]
        weight *= BY_PARENT
    near = [kind for name in (document_type.name, *document_type.parents) for kind in kinds.get(name, ())]
    if near and not only_parents:
        yield dict.fromkeys(near, BY_KIND)
