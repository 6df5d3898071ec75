"""Join documents to packets by a fixed seed, split by source into those to fit on and those to measure on."""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import OpenedDocument
from airflow_provider_classify.engine.reading.sniffing import Format
from benchmarks.packets.reading import ReadDocument

#: The fewest and the most documents of a packet.
FEWEST, MOST = 2, 6
#: One of so many packets has documents of a single category.
_ALIKE = 4
#: One of so many sources is kept apart: its packets are measured, and nothing is fitted on them.
_KEPT_APART = 3


@dataclass(frozen=True, slots=True)
class Packet:
    """Documents in a row."""

    documents: Sequence[ReadDocument]

    def expected(self) -> list[tuple[str, list[int]]]:
        """Return the category and the page numbers of each document."""
        numbers = iter(range(1, 1_000_000))
        return [(d.labelled.category, [next(numbers) for _ in d.pages]) for d in self.documents]

    def open(self) -> OpenedDocument:
        """Return the packet as the PDF that holds these pages would be opened."""
        pages = [page for document in self.documents for page in document.pages]
        readings = (_Reading(number, passes) for number, passes in enumerate(pages, 1))
        return OpenedDocument(Format.PDF, len(pages), readings)


@dataclass(frozen=True, slots=True)
class _Reading:
    number: int
    kept: Sequence[Page]

    def passes(self) -> Iterator[Page]:
        for page in self.kept:
            yield replace(page, number=self.number)


def is_kept_apart(document: ReadDocument) -> bool:
    """Return whether the document is one of the third by source that is only measured."""
    return _hash(document.labelled.source) % _KEPT_APART == 0


def fold_of(document: ReadDocument, folds: int) -> int:
    """Return the number of the document's fold, which all documents of its source share."""
    return _hash(f"fold {document.labelled.source}") % folds


def join(documents: Sequence[ReadDocument], count: int, seed: int) -> list[Packet]:
    """Return packets of random documents, in random order. The same seed joins the same packets."""
    chance = random.Random(seed)
    by_category: dict[str, list[ReadDocument]] = defaultdict(list)
    for document in documents:
        by_category[document.labelled.category].append(document)
    alike = [found for found in by_category.values() if len(found) >= MOST]
    packets = []
    for number in range(count):
        size = chance.randint(FEWEST, MOST)
        choice = chance.choice(alike) if alike and number % _ALIKE == 0 else documents
        packets.append(Packet(chance.sample(choice, min(size, len(choice)))))
    return packets


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
