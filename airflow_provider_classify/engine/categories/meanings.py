"""
Resolve a user's category names to known document types.

A name that is an alias of a type means that type, however it is spelled; ``datasheet_manual`` means two.
A name that is no alias is compared, by its parts, its words and its description, with what is known of each
type. The steps run one after the other over one :class:`Draft` per category; :func:`meanings_of` lists them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_classify.engine.categories.names import BY_VAGUE_HEAD, types_of_name, types_of_parts
from airflow_provider_classify.engine.categories.paths import path_of, spoken
from airflow_provider_classify.engine.categories.relatives import BY_PARENT, inherited
from airflow_provider_classify.engine.categories.resemblance import Resemblance
from airflow_provider_classify.engine.knowledge.aliases import Aliases, aliases_of
from airflow_provider_classify.engine.knowledge.load import DocumentType, Knowledge
from airflow_provider_classify.engine.text.words import label_words
from airflow_provider_classify.model.categories import Category

if TYPE_CHECKING:
    from airflow_provider_classify.engine.categories.sentence_model import SentenceModel

#: How much the types count that a name resembles most.
BY_RESEMBLANCE = 0.8
#: Resemblance counts this many times as much beside types that a part of the name means.
BESIDE_NAME = 0.6
#: And of a type that a part of another category's name means.
BESIDE_OTHERS = 0.4
#: Resemblance below this is chance.
LEAST_RESEMBLANCE = 0.12


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    The types that count for a category, each with how much it counts, 0 to 1.

    :param category: the category as one would say it (see :func:`~.paths.spoken`).
    :param is_exact: the whole name is known, so nothing was guessed.
    :param is_named: at least a part of the name is known, and no description explains it.
    """

    category: Category
    types: Mapping[str, float]
    is_exact: bool
    is_named: bool


@dataclass(slots=True)
class Draft:
    """
    A category on its way to a meaning. Each step fills or changes one field.

    :param path: the steps of the category's name, if it is a path.
    :param whole: the types that the whole name means.
    :param parts: the types that parts of the name mean; dropped where ``whole`` is known.
    :param guessed: the types that its words, and a sentence model, suggest; includes ``parts``.
    :param steps: the types that the steps above it mean, of a path.
    :param relatives: types that no category means, but that are related to those of this one.
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
        """Whether a part of the name means a type, and not just its vague main word."""
        return max(self.parts.values(), default=0.0) > BY_VAGUE_HEAD

    def meaning(self) -> Meaning:
        """Return what the steps have found."""
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
    Resolve each category. A type that a category names counts for no other category.

    :param sentence_model: asked only for categories whose names are not known.
    :param only_parents: see :func:`~.relatives.inherited`.
    :raises SentenceModelNotUsable: it cannot be loaded.
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
    """Look up the name: as a whole, and its parts."""
    category_as_said = spoken(category, lambda name: bool(aliases.find(label_words(name))))
    return Draft(
        category_as_said,
        path_of(category.name),
        whole=types_of_name(category_as_said.name, aliases),
        parts=types_of_parts(category_as_said.name, aliases),
    )


def leave_types_to_others(drafts: Sequence[Draft]) -> None:
    """
    Take types from a name that means several, where another category means only that type.

    "Insurance correspondence" means no letter where there is a category "ordinary letters".
    """
    only = Counter(next(iter(types)) for types in (draft.whole or draft.parts for draft in drafts) if len(types) == 1)
    for draft in drafts:
        if len(draft.whole) > 1:
            left = {name: weight for name, weight in draft.whole.items() if not only[name]}
            draft.whole = left or draft.whole


def drop_claimed_parts(drafts: Sequence[Draft], claimed: set[str]) -> None:
    """Ignore the parts of a name that is known as a whole, and types that another category's whole name means."""
    for draft in drafts:
        draft.parts = {} if draft.whole else {name: w for name, w in draft.parts.items() if name not in claimed}


def share_parts(drafts: Sequence[Draft]) -> None:
    """Halve a type that parts of several names mean, for each that means another type besides."""
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

    The best type counts BY_RESEMBLANCE, however weak, since the category means something. It counts less beside
    types that a part of the name means. Of two categories that resemble a type, the type counts far less for
    the one that resembles it less.

    :param drafts: the categories with unknown names.
    :param resemblance: of a category to each type of ``free``.
    :param free: the types that no whole name means.
    """
    taken = {name for draft in drafts if draft.has_clear_part for name in draft.parts}
    likeness = [
        {
            name: value
            * (BESIDE_NAME if draft.has_clear_part else 1.0)
            * (BESIDE_OTHERS if name in taken - draft.parts.keys() else 1.0)
            for name, value in resemblance(draft.category).items()
        }
        for draft in drafts
    ]
    nearest = {t.name: max((found.get(t.name, 0.0) for found in likeness), default=0.0) for t in free}
    for draft, found in zip(drafts, likeness, strict=True):
        best = max(found.values(), default=1.0)
        most = BY_RESEMBLANCE * (BESIDE_NAME if draft.has_clear_part else 1.0)
        by_words = {
            name: most * value / best * (value / nearest[name]) ** 3
            for name, value in found.items()
            if value >= max(LEAST_RESEMBLANCE * most / BY_RESEMBLANCE, best / 4)
        }
        draft.guessed = by_words | {name: max(weight, by_words.get(name, 0.0)) for name, weight in draft.parts.items()}


def add_nearness(drafts: Sequence[Draft], nearness: Sequence[Mapping[str, float]]) -> None:
    """
    Add to the guesses how near the sentence model finds the types.

    As with words, the best type of a category counts BY_RESEMBLANCE, and of two categories near to a type, it
    counts far less for the one that is less near.

    :param nearness: of each draft's category to the types near to it.
    """
    nearest: dict[str, float] = {}
    for near in nearness:
        nearest |= {name: max(value, nearest.get(name, 0.0)) for name, value in near.items()}
    for draft, near in zip(drafts, nearness, strict=True):
        if near:
            points = Counter(draft.guessed)
            points.update({name: value * (value / nearest[name]) ** 3 for name, value in near.items()})
            best = max(points.values(), default=1.0)
            draft.guessed = {name: BY_RESEMBLANCE * value / best for name, value in points.items()}


def add_types_of_path(drafts: Sequence[Draft], aliases: Aliases, claimed: set[str]) -> None:
    """Add the types that only the steps above the last one of a path mean; they count like kinds of a parent."""
    for draft in drafts:
        for step in draft.path[-2::-1]:
            for name in types_of_name(step, aliases).keys() - claimed:
                draft.steps.setdefault(name, BY_PARENT)


def add_relatives(drafts: Sequence[Draft], knowledge: Knowledge, *, only_parents: bool = False) -> None:
    """Add the types that no category means, where they are related to one that a category means."""
    for draft, gained in zip(
        drafts, inherited([draft.own for draft in drafts], knowledge, only_parents=only_parents), strict=True
    ):
        draft.relatives = gained
