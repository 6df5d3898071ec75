"""
What reading and classifying cost: time, processor time and memory, for text and for OCR.

    python tests/benchmarks/engine.py FOLDER

FOLDER has documents in any folders below it; the environment variable DOCUMENTS stands for it.
Times are processor seconds of one core unless the line says otherwise, and on a shared machine
both vary by a third.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pymupdf

from airflow_provider_classify.contract import MAX_PAGES, Category
from airflow_provider_classify.engine.process import EngineProcess
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.reading.mupdf import TEXT_FLAGS
from airflow_provider_classify.exceptions import DocumentError

CATEGORIES = [Category(name) for name in ("invoice", "receipt", "contract", "resume", "letter", "scientific paper")]
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("DOCUMENTS"))
    folder = parser.parse_args().folder
    if folder is None:
        parser.error("name the FOLDER, or set DOCUMENTS")
    texts, scans = _sorted_by_source(Path(folder))
    print(f"{len(texts)} PDFs with text, {len(scans)} scans and images")
    _bench_start(texts[0])
    _bench_text(texts)
    _bench_ocr(scans)
    _bench_child("text", texts)
    _bench_child("OCR", scans)


def _sorted_by_source(folder: Path) -> tuple[list[Path], list[Path]]:
    """The PDFs of which every page is read from its text, and the documents of which none is."""
    texts, scans = [], []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".png", ".jpg", ".tif"):
            scans.append(path)
        elif path.suffix == ".pdf":
            with open_document(path, name=path.name) as document:
                sources = {next(page.passes()).source for page in document.pages}
            if len(sources) == 1:
                (texts if "text_layer" in sources else scans).append(path)
    return texts, scans


def _bench_start(path: Path) -> None:
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        with EngineProcess() as engine:
            engine.classify(path, CATEGORIES, name=path.name)
            taken.append(time.perf_counter() - started)
    print(f"start to first answer (text PDF)  {min(taken):.2f} s wall, best of 5; {max(taken):.2f} worst")


def _bench_text(paths: Sequence[Path]) -> None:
    for label, read in (("PyMuPDF alone", _read_bare), ("open_document", _read_ours)):
        pages, seconds = _timed(read, paths)
        print(f"text: {label:<26}  {pages / seconds:.0f} pages/s, {1000 * seconds / pages:.2f} ms a page")


def _read_bare(path: Path) -> int:
    with pymupdf.open(path) as document:
        pages = min(MAX_PAGES, document.page_count)
        for number in range(pages):
            document[number].get_text("dict", flags=TEXT_FLAGS)
    return int(pages)


def _read_ours(path: Path) -> int:
    with open_document(path, name=path.name, threads=1) as document:
        return sum(1 for page in document.pages for _ in page.passes())


def _timed(read: Callable[[Path], int], paths: Sequence[Path]) -> tuple[int, float]:
    best, pages = float("inf"), 0
    for _ in range(ROUNDS):
        started = time.process_time()
        pages = sum(map(read, paths))
        best = min(best, time.process_time() - started)
    return pages, best


def _bench_ocr(paths: Sequence[Path]) -> None:
    """Processor time to the end of each pass; a page with few lines has fewer passes."""
    spent: dict[int, list[float]] = {}
    for path in paths:
        try:
            with open_document(path, name=path.name, threads=1, max_pages=1) as document:
                for page in document.pages:
                    started = time.process_time()
                    for number, _ in enumerate(page.passes()):
                        spent.setdefault(number, []).append(time.process_time() - started)
        except DocumentError as error:
            print(f"  {error}")
    for number, seconds in spent.items():
        print(f"OCR to pass {number + 1}  {sum(seconds) / len(seconds):.2f} CPU-s a page, {len(seconds)} pages")


def _bench_child(label: str, paths: Sequence[Path]) -> None:
    """A child over all documents: what the classifier really reads, and what memory it grows to."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    pages = 0
    peaks = []
    with EngineProcess(threads=1) as engine:
        for path in paths:
            try:
                pages += engine.classify(path, CATEGORIES, name=path.name).total_pages
            except DocumentError as error:
                print(f"  {error}")
            peaks.append(_peak_mb())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wall = time.perf_counter() - started
    print(
        f"child, {label}: {pages} pages, {spent / pages:.3f} CPU-s and {wall / pages:.3f} s wall a page; "
        f"peak memory {peaks[len(peaks) // 2]} MB halfway, {peaks[-1]} MB at the end"
    )


def _peak_mb() -> int:
    (child,) = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


if __name__ == "__main__":
    main()
