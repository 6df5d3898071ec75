"""
Measure how well the engine finds the documents in packets: ``make bench-packets DOCUMENTS="folder folder"``.

Each folder has documents and ``labels.csv``. With ``FIT=1``, the weights are fitted on packets from two thirds of the
sources. The last third is held out. Only the figures of this third show how well the engine works on other documents.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.scoring.category_set import CategorySet
from airflow_provider_classify.model.categories import Category
from benchmarks.packets.fit import fit
from benchmarks.packets.joined import Packet, join
from benchmarks.packets.reading import joinable_documents, read_documents

#: The number of packets of each part, and the seed of the random choice of their documents.
PACKETS, SEED = 200, 3


@dataclass(slots=True)
class Figures:
    """
    The counts over several packets.

    :param right: the boundaries that are true and were found.
    :param found: the boundaries that the engine found.
    :param true: the true boundaries.
    :param packets: the packets.
    :param right_boundaries: the packets in which all boundaries are right.
    :param right_packets: the packets in which all boundaries and all categories are right.
    :param documents: the documents in the packets.
    :param categories: the documents whose first page and category are right.
    """

    right: int = 0
    found: int = 0
    true: int = 0
    packets: int = 0
    right_boundaries: int = 0
    right_packets: int = 0
    documents: int = 0
    categories: int = 0

    def add(self, expected: Sequence[tuple[str, list[int]]], found: Sequence[tuple[str | None, list[int]]]) -> None:
        """Count a packet. A boundary is the page number at which a document begins, except for the first document."""
        true = {pages[0] for _, pages in expected[1:]}
        own = {pages[0] for _, pages in found[1:]}
        self.right += len(true & own)
        self.found += len(own)
        self.true += len(true)
        self.packets += 1
        self.right_boundaries += true == own
        self.documents += len(expected)
        by_first = {pages[0]: category for category, pages in found}
        self.categories += sum(by_first.get(pages[0]) == category for category, pages in expected)
        self.right_packets += true == own and [c for c, _ in expected] == [c for c, _ in found]

    def __str__(self) -> str:
        precision, recall = self.right / max(1, self.found), self.right / max(1, self.true)
        f1 = 2 * precision * recall / max(1e-9, precision + recall)
        return (
            f"boundaries: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}; "
            f"{self.packets} packets: all boundaries right {self.right_boundaries / self.packets:.1%}, "
            f"all boundaries and categories right {self.right_packets / self.packets:.1%}; "
            f"{self.documents} documents: first page and category right {self.categories / self.documents:.1%}"
        )


def measure(packets: Sequence[Packet], classifier: Classifier) -> Figures:
    """Classify packets, and count right boundaries and categories."""
    figures = Figures()
    for packet in packets:
        documents = classifier.classify_document(packet.open()).extra["documents"]
        figures.add(packet.expected(), [(found["category"], found["pages"]) for found in documents])
    return figures


def main() -> None:
    """Print the figures of both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--fit", action="store_true", help="first fit the weights on two thirds of the sources")
    options = parser.parse_args()
    labelled = [document for folder in options.folders for document in joinable_documents(folder)]
    documents = read_documents(labelled)
    names = [Category(name) for name in sorted({document.labelled.category for document in documents})]
    fitted_on = [document for document in documents if not document.labelled.is_held_out]
    held_out = [document for document in documents if document.labelled.is_held_out]
    if options.fit:
        fit(fitted_on, CategorySet(names, load_knowledge()))
    classifier = Classifier(names)
    for part, chosen in (("fitted on", fitted_on), ("held out", held_out)):
        print(f"{part}, {len(chosen)} documents: {measure(join(chosen, PACKETS, SEED), classifier)}", flush=True)


if __name__ == "__main__":
    main()
