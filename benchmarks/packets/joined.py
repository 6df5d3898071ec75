"""Join documents into packets. The choice of the documents is random, with a fixed seed."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import OpenedDocument
from airflow_provider_classify.engine.reading.sniffing import Format
from benchmarks.packets.reading import ReadDocument

#: The fewest and the most documents of a packet.
MIN_DOCUMENTS, MAX_DOCUMENTS = 2, 6
#: One of this many packets has documents of a single category.
_SAME_CATEGORY = 4


@dataclass(frozen=True, slots=True)
class Packet:
    """Documents that are joined into one file."""

    documents: Sequence[ReadDocument]

    def expected(self) -> list[tuple[str, list[int]]]:
        """Return the category and the page numbers of each document."""
        numbers = iter(range(1, 1_000_000))
        return [(d.labelled.category, [next(numbers) for _ in d.pages]) for d in self.documents]

    def open(self) -> OpenedDocument:
        """Return the packet as an opened PDF with the pages of all documents."""
        pages = [page for document in self.documents for page in document.pages]
        readings = (_Reading(number, passes) for number, passes in enumerate(pages, 1))
        return OpenedDocument(Format.PDF, len(pages), readings)


@dataclass(frozen=True, slots=True)
class _Reading:
    number: int
    pages: Sequence[Page]

    def passes(self) -> Iterator[Page]:
        for page in self.pages:
            yield replace(page, number=self.number)


def join(documents: Sequence[ReadDocument], count: int, seed: int) -> list[Packet]:
    """Return packets of random documents in random order. The same seed gives the same packets."""
    rng = random.Random(seed)
    by_category: dict[str, list[ReadDocument]] = defaultdict(list)
    for document in documents:
        by_category[document.labelled.category].append(document)
    same_category = [found for found in by_category.values() if len(found) >= MAX_DOCUMENTS]
    packets = []
    for number in range(count):
        size = rng.randint(MIN_DOCUMENTS, MAX_DOCUMENTS)
        choice = rng.choice(same_category) if same_category and number % _SAME_CATEGORY == 0 else documents
        packets.append(Packet(rng.sample(choice, min(size, len(choice)))))
    return packets
