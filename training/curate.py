"""
Report which cues of the knowledge real documents support.

    python -m training.curate FOLDER... [--cross-validate]

The FOLDERs are those of ``make train``. Documents that ``make train`` holds out are not used. The report lists:

* the number of cues by language,
* the cues that may be filed under a wrong language; a person has to decide,
* the cues that are found only in documents of other categories than their own, of several sources, although there are
  documents of their type,
* the accuracy of a cross-validation with and without the last ones. In each fold, they are found in the documents of
  the other folds.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from tests.support.written import as_document, written_documents
from training.cues import Support, TypeCue, misfiled_cues, support_of_cues, without_support
from training.documents import OUTSIDE, Labelled, ReadDocument, labelled_documents, read_documents
from training.train import FOLDS, Trainer, best_temperature, examples_of, family_of, figures_of

#: A cue is reported if it is found in documents of other categories of at least this many sources, and if the documents
#: of its type have at least this many sources.
LEAST_OTHERS, LEAST_OF_TYPE = 3, 5
#: The figures that are compared.
_COMPARED = ("accuracy", "macro_f1", "calibration_error", "auroc", "of_no_category_likely")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--cross-validate", action="store_true", help="also fit models; this takes some minutes")
    options = parser.parse_args()
    knowledge = load_knowledge()
    languages = Counter(
        language for t in knowledge.types.values() for cue in t.cues for language in sorted(t.languages[cue])
    )
    print(f"{sum(len(t.cues) for t in knowledge.types.values())} cues: {_listed(languages.most_common())}")
    print("Cues that may be filed under a wrong language:")
    for cue in sorted(misfiled_cues(knowledge), key=lambda cue: -cue.evidence):
        print(f"  {cue.type_name}: {cue.cue!r} is filed under {cue.language}, and may be {cue.probable}")
    documents = [
        document for folder in options.folders for document in labelled_documents(folder) if not document.is_held_out
    ]
    curation = Curation(documents, read_documents(documents))
    support = curation.support(range(len(documents)))
    dropped = sorted(without_support(support, least_others=LEAST_OTHERS, least_of_type=LEAST_OF_TYPE))
    print(f"{len(dropped)} cues that are found only in documents of other categories:")
    for name, found in dropped:
        print(f"  {name}: {found!r}, {len(support[name, found].others)} sources")
    if options.cross_validate:
        for label, are_left_out in (("all cues", False), ("without the cues that no document supports", True)):
            print(f"{label}: {curation.cross_validated(are_left_out=are_left_out)}")


class Curation:
    """
    Documents on which cues are examined.

    :param documents: the documents.
    :param read: their pages, in the same order; None for a document that cannot be read.
    """

    def __init__(self, documents: Sequence[Labelled], read: Sequence[ReadDocument | None]) -> None:
        self.documents, self._read = documents, read
        self._names = sorted({document.category for document in documents} - OUTSIDE)
        trainer = Trainer(self._names)
        self._families = [family_of(number, trainer.categories) for number in range(len(trainer.type_names))]
        self._written = self._written_support(trainer)

    def support(self, numbers: Sequence[int]) -> dict[TypeCue, Support]:
        """
        Return the support of each cue in some of the documents.

        The documents that were written for the tests also support the cues of their categories.
        """
        none = len(self._names)
        found = support_of_cues(
            (
                (
                    [passes[-1] for passes in read.pages if passes],
                    self._names.index(document.category) if document.category in self._names else none,
                    document.source,
                )
                for document, read in ((self.documents[n], self._read[n]) for n in numbers)
                if read is not None
            ),
            load_knowledge(),
            self._families,
        )
        for cue, written in self._written.items():
            found[cue].own |= written.own
        return found

    def _written_support(self, trainer: Trainer) -> dict[TypeCue, Support]:
        of_category = {name: number for number, name in enumerate(self._names)}
        return support_of_cues(
            (
                ([next(reading.passes()) for reading in as_document(document).pages], of_category[category], "tests")
                for document in written_documents()
                if (category := document.category.replace(" ", "_")) in of_category
            ),
            load_knowledge(),
            self._families,
        )

    def cross_validated(self, *, are_left_out: bool) -> str:
        """
        Return the figures of a cross-validation, as a text.

        :param are_left_out: leave out the cues that the documents of the other folds do not support.
        """
        folds = np.array([document.fold(FOLDS) for document in self.documents])
        odds, scored = [], []
        trainer = Trainer(self._names)
        examples = list(examples_of(self.documents, self._read, trainer.categories))
        for fold in sorted(set(folds.tolist())):
            if are_left_out:
                support = self.support([int(n) for n in np.flatnonzero(folds != fold)])
                left_out = without_support(support, least_others=LEAST_OTHERS, least_of_type=LEAST_OF_TYPE)
                trainer = Trainer(self._names, knowledge=load_knowledge().without_cues(left_out))
                examples = list(examples_of(self.documents, self._read, trainer.categories))
            outside = [example for example in examples if example.document.fold(FOLDS) == fold]
            fitted = trainer.fit([example for example in examples if example.document.fold(FOLDS) != fold])
            odds.append(fitted.log_odds([example.whole for example in outside]))
            scored += outside
        together = np.concatenate(odds)
        figures = figures_of(scored, together / best_temperature(together, scored))
        return _listed((name, figures[name]) for name in _COMPARED if name in figures)


def _listed(items: object) -> str:
    return ", ".join(f"{name} {value}" for name, value in items)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
