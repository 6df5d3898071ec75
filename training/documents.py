"""List labelled documents, read their pages with the engine, and cache the pages."""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.learned.origin import Origin
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.exceptions import DocumentError
from training.page_cache import cached

T = TypeVar("T")
#: The folder of the cache.
CACHE = Path(".bench/pages")
#: The parts of the engine that read pages.
READING = ("reading", "ocr", "text", "learned/looks.py", "page.py")
#: Documents of these categories fit none of the other categories.
OUTSIDE = frozenset({"other", "none"})
#: About one of this many sources is held out. A model that is fitted on the other sources scores its documents.
_HELD_OUT = 3


@dataclass(frozen=True, slots=True)
class Labelled:
    """
    A document with its category.

    :param set: the name of its folder.
    :param source: the owner of the repository that it comes from; its path if the repository is unknown.
    """

    path: Path
    category: str
    set: str
    kind: str
    language: str
    source: str

    @property
    def is_held_out(self) -> bool:
        """Whether the document's source is held out."""
        return _hash(self.source) % _HELD_OUT == 0

    def fold(self, folds: int) -> int:
        """Return the number of the document's fold. All documents of a source are in the same fold."""
        return _hash(f"fold {self.source}") % folds


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """
    A document as the engine reads it.

    :param pages: the passes of each page. Each pass is more complete than the one before it.
    :param is_declared: whether its format declares its type, such as the format of an e-mail.
    """

    origin: Origin
    pages: Sequence[Sequence[Page]]
    is_declared: bool


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def labelled_documents(folder: Path) -> Iterator[Labelled]:
    """
    Yield the documents of a folder with ``labels.csv``.

    The columns path and category are required. The columns kind, language and source_repo are optional.
    """
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            source = row.get("source_repo") or row["path"]
            yield Labelled(
                folder / row["path"],
                row["category"],
                folder.name,
                row.get("kind") or "",
                row.get("language") or "",
                source.partition("/")[0].lower() if row.get("source_repo") else source,
            )


def read_documents(documents: Sequence[Labelled]) -> list[ReadDocument | None]:
    """Read documents in several processes, or from the cache. A document that cannot be read is None."""
    return in_processes(_read, documents)


def in_processes(read: Callable[[Path], T], documents: Sequence[Labelled], what: str = "") -> list[T]:
    """
    Return what ``read`` returns for each document, and print the progress.

    :param read: a function of a module, which the other processes import.
    :param what: words that the lines about the progress end with.
    """
    found = []
    with ProcessPoolExecutor(available_cores()) as processes:
        for number, document in enumerate(processes.map(read, [d.path for d in documents], chunksize=2), 1):
            found.append(document)
            if number % 50 == 0:
                print(f"  read {number} of {len(documents)}{what}", file=sys.stderr, flush=True)
    return found


def _read(path: Path) -> ReadDocument | None:
    return cached(CACHE, READING, path, read_now)


def read_now(path: Path) -> ReadDocument | None:
    """Read a document without the cache; None if it cannot be read."""
    pages = []
    try:
        with open_document(path, name=path.name, threads=1) as document:
            for reading in document.pages:
                try:
                    pages.append(list(reading.passes()))
                except DocumentError as error:
                    print(f"  {path}: {error}", file=sys.stderr)
            return ReadDocument(document.origin, pages, document.is_mail or document.declared_type is not None)
    except DocumentError as error:
        print(f"  {path}: {error}", file=sys.stderr)
        return None
