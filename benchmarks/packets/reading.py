"""Read the pages of labelled documents, and cache them."""

from __future__ import annotations

import csv
import hashlib
import os
import pickle
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import airflow_provider_classify.engine
from airflow_provider_classify.engine.cores import available_cores
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.exceptions import DocumentError

#: The folder of the cache.
CACHE = Path(".bench/packet_pages")
#: The parts of the engine that read pages. The cache is valid until one of them changes.
_READING = ("reading", "ocr", "text", "page.py")
#: The suffixes of the documents that are joined into packets.
_SUFFIXES = (".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")
#: Documents of these categories fit none of the other categories, so they are left out.
_OUTSIDE = ("other", "none")


@dataclass(frozen=True, slots=True)
class Labelled:
    """
    A document with its category.

    :param source: the owner of the repository that it comes from; its path if the repository is unknown.
    """

    path: Path
    category: str
    source: str


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document with its first pages. Each page has several passes; the last pass is the most complete one."""

    labelled: Labelled
    pages: Sequence[Sequence[Page]]


def labelled_documents(folder: Path) -> Iterator[Labelled]:
    """Yield the PDFs and images of a folder with ``labels.csv`` (path, category and, optionally, source_repo)."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = folder / row["path"]
            if path.suffix.lower() in _SUFFIXES and row["category"] not in _OUTSIDE:
                source = (row.get("source_repo") or "").partition("/")[0].lower()
                yield Labelled(path, row["category"], source or row["path"])


def read_documents(documents: Sequence[Labelled]) -> list[ReadDocument]:
    """Read documents in several processes, or from the cache. Leave out documents that cannot be read."""
    CACHE.mkdir(parents=True, exist_ok=True)
    read = []
    with ProcessPoolExecutor(available_cores()) as processes:
        pages_of_each = processes.map(_pages, [document.path for document in documents], chunksize=2)
        for number, (document, pages) in enumerate(zip(documents, pages_of_each, strict=True), 1):
            if pages:
                read.append(ReadDocument(document, pages))
            if number % 100 == 0:
                print(f"  read {number} of {len(documents)}", file=sys.stderr, flush=True)
    return read


def cache_file_of(path: Path) -> Path:
    """Return the cache file for the pages of a document."""
    return CACHE / f"{hashlib.sha256(path.read_bytes()).hexdigest()[:24]}_{_code_version()}.pickle"


def _pages(path: Path) -> list[list[Page]]:
    cache_file = cache_file_of(path)
    if cache_file.exists():
        pages: list[list[Page]] = pickle.loads(cache_file.read_bytes())
        return pages
    pages = []
    try:
        with open_document(path, name=str(path), threads=1) as document:
            pages += [list(reading.passes()) for reading in document.pages]
    except DocumentError as error:
        print(f"  {error}", file=sys.stderr)
        pages = []
    temporary = cache_file.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(pickle.dumps(pages))
    temporary.rename(cache_file)
    return pages


@cache
def _code_version() -> str:
    """Return a hash of the code that reads pages."""
    engine = Path(airflow_provider_classify.engine.__file__).parent
    digest = hashlib.sha256()
    for part in _READING:
        for file in [engine / part] if part.endswith(".py") else sorted((engine / part).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
