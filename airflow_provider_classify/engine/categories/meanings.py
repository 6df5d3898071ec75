"""
Resolve a user's category names to known document types.

A name that is an alias of a type means that type, in any spelling; ``datasheet_manual`` means two types.
The parts, the words and the description of any other name are compared with the knowledge of each type.
The steps run one after the other over one :class:`Draft` per category; :func:`meanings_of` lists them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.categories.category_paths import path_of, without_path
from airflow_provider_classify.engine.categories.names import BY_VAGUE_HEAD, types_of_name, types_of_parts
from airflow_provider_classify.engine.categories.related_types import BY_PARENT, inherited
from airflow_provider_classify.engine.categories.resemblance import Resemblance
from airflow_provider_classify.engine.knowledge.aliases import Aliases, aliases_of
from airflow_provider_classify.engine.knowledge.document_type import DocumentType, Knowledge
from airflow_provider_classify.engine.text.words import label_words
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

#: The weight, from 0 to 1, of the type that a name resembles most.
BY_RESEMBLANCE = 0.8
#: Resemblance is multiplied by this if a part of the name means a type.
FACTOR_BESIDE_NAME = 0.6
#: Resemblance to a type is multiplied by this if a part of another category's name means the type.
FACTOR_BESIDE_OTHERS = 0.4
#: A resemblance below this value is ignored, because it can be chance.
LEAST_RESEMBLANCE = 0.12


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    The types that count for a category, each with how much it counts, 0 to 1.

    :param category: the category without a path (see :func:`~.category_paths.without_path`).
    :param is_exact: whether the whole name is known, so that nothing was guessed.
    :param is_named: whether the whole name is known, or a part of the name is known and there is no description.
    """

    category: Category
    types: Mapping[str, float]
    is_exact: bool
    is_named: bool


@dataclass(slots=True)
class Draft:
    """
    A category whose meaning is being resolved. Each step fills or changes one field.

    :param path: the steps of the category's name, if it is a path.
    :param whole: the types that the whole name means.
    :param parts: the types that parts of the name mean; empty if ``whole`` is known.
    :param guessed: the types that its words or a sentence model suggest, with those of ``parts``.
    :param steps: the types that the upper steps of its path mean.
    :param relatives: the types that no category means and that are related to those of this category.
    """

    category: Category
    path: tuple[str, ...] = ()
    whole: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    guessed: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    relatives: dict[str, float] = field(default_factory=dict)

    @property
    def own(self) -> dict[str, float]:
        """The types that the category itself means, known or guessed, and those of its path."""
        return self.steps | (self.whole or self.guessed)

    @property
    def has_clear_part(self) -> bool:
        """Whether a part of the name means a type, apart from a vague main word."""
        return max(self.parts.values(), default=0.0) > BY_VAGUE_HEAD

    def meaning(self) -> Meaning:
        """Return the meaning that the steps have found."""
        is_named = self.has_clear_part and not self.category.description
        return Meaning(
            self.category,
            self.own | self.relatives,
            is_exact=bool(self.whole),
            is_named=bool(self.whole) or is_named,
        )


def meanings_of(
    categories: Sequence[Category],
    knowledge: Knowledge,
    sentence_model: SentenceModel | None = None,
    *,
    only_parents: bool = False,
) -> list[Meaning]:
    """
    Resolve each category.

    A type that the whole name of a category means counts only for categories whose whole name means it.

    :param sentence_model: used only for categories with unknown names.
    :param only_parents: see :func:`~.related_types.inherited`.
    :raises SentenceModelNotUsable: the sentence model cannot be loaded.
    """
    aliases = aliases_of(knowledge)
    drafts = [draft_of(category, aliases) for category in categories]
    leave_types_to_others(drafts)
    claimed = {name for draft in drafts for name in draft.whole}
    drop_claimed_parts(drafts, claimed)
    share_parts(drafts)
    unknown = [draft for draft in drafts if not draft.whole]
    free = [t for t in knowledge.types.values() if t.name not in claimed]
    if unknown:
        guess_by_words(unknown, Resemblance(knowledge, free).to, free)
        if sentence_model and free:
            near = sentence_model.nearness([draft.category for draft in unknown], free)
            add_nearness(unknown, near)
    add_types_of_path(drafts, aliases, claimed)
    add_relatives(drafts, knowledge, only_parents=only_parents)
    return [draft.meaning() for draft in drafts]


def draft_of(category: Category, aliases: Aliases) -> Draft:
    """Look up the whole name and its parts; return them as a draft."""
    renamed = without_path(category, lambda name: bool(aliases.find(label_words(name))))
    return Draft(
        renamed,
        path_of(category.name),
        whole=types_of_name(renamed.name, aliases),
        parts=types_of_parts(renamed.name, aliases),
    )


def leave_types_to_others(drafts: Sequence[Draft]) -> None:
    """
    Remove a type from a name that means several types, if another category means only that type.

    For example, "insurance correspondence" does not mean a letter if there is a category "ordinary letters".
    """
    only = Counter(next(iter(types)) for types in (draft.whole or draft.parts for draft in drafts) if len(types) == 1)
    for draft in drafts:
        if len(draft.whole) > 1:
            left = {name: weight for name, weight in draft.whole.items() if not only[name]}
            draft.whole = left or draft.whole


def drop_claimed_parts(drafts: Sequence[Draft], claimed: set[str]) -> None:
    """Drop the parts of a name that is known as a whole, and the types that another category's whole name means."""
    for draft in drafts:
        draft.parts = {} if draft.whole else {name: w for name, w in draft.parts.items() if name not in claimed}


def share_parts(drafts: Sequence[Draft]) -> None:
    """Halve the weight of a type that parts of several names mean, in each name that also means a type of its own."""
    counts = Counter(name for draft in drafts for name in draft.parts)
    for draft in drafts:
        has_other = any(counts[name] == 1 for name in draft.parts)
        draft.parts = {
            name: weight / 2 if counts[name] > 1 and has_other else weight for name, weight in draft.parts.items()
        }


def guess_by_words(
    drafts: Sequence[Draft], resemblance: Callable[[Category], Mapping[str, float]], free: Sequence[DocumentType]
) -> None:
    """
    Guess what categories with unknown names mean, from their words and descriptions.

    The best type gets the weight BY_RESEMBLANCE even if the resemblance is weak, because each category means some type.
    The weight is lower if a part of the name means a type. If two categories resemble a type, the type gets a far lower
    weight for the category that resembles it less.

    :param drafts: the categories with unknown names.
    :param resemblance: returns how much a category resembles each type of ``free``.
    :param free: the types that no whole name means.
    """
    taken = {name for draft in drafts if draft.has_clear_part for name in draft.parts}
    likeness = [
        {
            name: value
            * (FACTOR_BESIDE_NAME if draft.has_clear_part else 1.0)
            * (FACTOR_BESIDE_OTHERS if name in taken - draft.parts.keys() else 1.0)
            for name, value in resemblance(draft.category).items()
        }
        for draft in drafts
    ]
    nearest = {t.name: max((found.get(t.name, 0.0) for found in likeness), default=0.0) for t in free}
    for draft, found in zip(drafts, likeness, strict=True):
        best = max(found.values(), default=1.0)
        most = BY_RESEMBLANCE * (FACTOR_BESIDE_NAME if draft.has_clear_part else 1.0)
        by_words = {
            # In this order the best type gets exactly ``most``, which callers compare with a threshold.
            name: most * (value / best) * (value / nearest[name]) ** 3
            for name, value in found.items()
            if value >= max(LEAST_RESEMBLANCE * most / BY_RESEMBLANCE, best / 4)
        }
        draft.guessed = by_words | {name: max(weight, by_words.get(name, 0.0)) for name, weight in draft.parts.items()}


def add_nearness(drafts: Sequence[Draft], nearness: Sequence[Mapping[str, float]]) -> None:
    """
    Add to the guesses the types that the sentence model finds near.

    As with words, the best type of a category gets the weight BY_RESEMBLANCE. If two categories are near to a type, the
    type gets a far lower weight for the category that is less near.

    :param nearness: for each draft the types near to its category, with the nearness.
    """
    nearest: dict[str, float] = {}
    for near in nearness:
        nearest |= {name: max(value, nearest.get(name, 0.0)) for name, value in near.items()}
    for draft, near in zip(drafts, nearness, strict=True):
        if near:
            points = Counter(draft.guessed)
            points.update({name: value * (value / nearest[name]) ** 3 for name, value in near.items()})
            best = max(points.values(), default=1.0)
            draft.guessed = {name: BY_RESEMBLANCE * (value / best) for name, value in points.items()}


def add_types_of_path(drafts: Sequence[Draft], aliases: Aliases, claimed: set[str]) -> None:
    """Add the types that only the upper steps of a path mean. They count as much as kinds of a parent."""
    for draft in drafts:
        for step in draft.path[-2::-1]:
            for name in types_of_name(step, aliases).keys() - claimed:
                draft.steps.setdefault(name, BY_PARENT)


def add_relatives(drafts: Sequence[Draft], knowledge: Knowledge, *, only_parents: bool = False) -> None:
    """Add the types that no category means, if they are related to a type that the category means."""
    for draft, gained in zip(
        drafts, inherited([draft.own for draft in drafts], knowledge, only_parents=only_parents), strict=True
    ):
        draft.relatives = gained
