"""
Measure the cost of reading and classifying, for text and for OCR, and compare it with peers.

    python benchmarks/engine.py FOLDER

FOLDER has a folder of documents for each category; the environment variable DOCUMENTS can name it instead. Times
are CPU seconds of one core unless the line says otherwise. On a shared machine they vary by a third, so the peers run
in turn with the engine. Some figures have their goal beside them. The peers are:

* text: PyMuPDF's extraction alone, and MiniLM, which chooses the category whose name is nearest to the page (see
  ``embedding_peer.py``; it is left out if ``.venv-embeddings`` does not have it),
* OCR: the default pipeline of ``rapidocr``, with the same models.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import pymupdf
from rapidocr import RapidOCR

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.reading import open_document
from airflow_provider_classify.engine.reading.page_pictures import PagePictures
from airflow_provider_classify.engine.reading.text_layer import TEXT_FLAGS
from airflow_provider_classify.engine.reading.text_quality import is_readable
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.exceptions import DocumentError
from airflow_provider_classify.model.api_contract import MAX_PAGES
from airflow_provider_classify.model.categories import Category

ROUNDS = 3
#: The reader with which the classifier is compared.
LINES = "PyMuPDF, lines"
#: The OCR peer reads only every sixth image, because it takes several times as long.
PEER_SHARE = 6
PEER_PYTHON = Path(__file__).parents[1] / ".venv-embeddings/bin/python"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("DOCUMENTS"))
    folder = parser.parse_args().folder
    if folder is None:
        parser.error("name the FOLDER, or set DOCUMENTS")
    texts, scans = sorted_by_source(Path(folder))
    print(f"{len(texts)} PDFs with text, {len(scans)} scans and images")
    categories = [Category(name) for name in sorted({path.parent.name for path in [*texts, *scans]})]
    _bench_start(texts[0], categories)
    _bench_text(texts, categories)
    _bench_embedding_peer(texts, categories)
    _bench_ocr(scans)
    _bench_ocr_peer([path for path in scans if path.suffix in (".png", ".jpg")][::PEER_SHARE])
    _bench_child("text", texts, categories, memory_goal="280 MB")
    _bench_child("OCR", scans, categories, memory_goal="550 MB", cpu_goal=" (goal: 0.6)")


def sorted_by_source(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the PDFs with a text layer of their own on every page, and the documents that OCR must read."""
    texts, scans = [], []
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".png", ".jpg", ".tif"):
            scans.append(path)
        elif path.suffix == ".pdf":
            with open_document(path, name=path.name) as document:
                pages = [next(page.passes()) for page in document.pages]
            # OCR also reads a page whose text layer has too few letters, even if the text layer is kept in the end.
            has_text = all(page.source == "text_layer" and is_readable(page) for page in pages)
            if all(page.source == "ocr" for page in pages):
                scans.append(path)
            elif has_text and not _has_earlier_ocr(path):
                texts.append(path)
    return texts, scans


def _has_earlier_ocr(path: Path) -> bool:
    with pymupdf.open(path) as document:
        return any(PagePictures(page).is_earlier_ocr for page in document.pages(0, min(MAX_PAGES, len(document))))


def _bench_start(path: Path, categories: Sequence[Category]) -> None:
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        with EngineProcess() as engine:
            engine.classify(path, categories, name=path.name)
            taken.append(time.perf_counter() - started)
    print(f"start to first answer (text PDF)  {min(taken):.2f} s wall, best of 5 (goal: 0.5); {max(taken):.2f} worst")


def _bench_text(paths: Sequence[Path], categories: Sequence[Category]) -> None:
    classifier = Classifier(categories, EngineOptions(threads=1))
    answers: dict[Path, str | None] = {}

    def classify(path: Path) -> int:
        result = classifier.classify(path, name=path.name)
        answers[path] = result.classification
        return result.total_pages

    readers = {
        "PyMuPDF, plain text": _read_plain,
        LINES: _read_bare,
        "open_document": _read_ours,
        "Classifier": classify,
    }
    costs = _timed(readers, paths)
    for label, (pages, cpu, wall) in costs.items():
        _print_text(label, pages, cpu, wall, answers if label == "Classifier" else {})
    (pages, cpu, _), (bare_pages, bare, _) = costs["Classifier"], costs[LINES]
    print(f"text: Classifier reaches {(pages / cpu) / (bare_pages / bare):.0%} of {LINES} (goal: 58 %)")


def _print_text(label: str, pages: int, cpu: float, wall: float, answers: Mapping[Path, str | None]) -> None:
    right = ""
    if answers:
        right = f", {sum(path.parent.name == answer for path, answer in answers.items()) / len(answers):.0%} right"
    print(
        f"text: {label:<22} {pages / cpu:5.0f} pages a CPU-second, {pages / wall:5.0f} pages/s, "
        f"{1000 * cpu / pages:6.2f} ms a page{right}"
    )


def _bench_embedding_peer(paths: Sequence[Path], categories: Sequence[Category]) -> None:
    request = {"paths": list(map(str, paths)), "categories": [c.name for c in categories], "max_pages": MAX_PAGES}
    if not PEER_PYTHON.exists():
        print(f"text: MiniLM is left out: {PEER_PYTHON} does not exist")
        return
    command = [PEER_PYTHON, Path(__file__).with_name("embedding_peer.py")]
    run = subprocess.run(command, input=json.dumps(request), capture_output=True, text=True)
    if run.returncode:
        print(f"text: MiniLM is left out: it does not run: {run.stderr.strip().rpartition(chr(10))[2]}")
        return
    measured = json.loads(run.stdout.splitlines()[-1])
    answers = dict(zip(paths, measured["answers"], strict=True))
    _print_text("MiniLM on plain text", measured["pages"], measured["cpu"], measured["wall"], answers)


def _read_plain(path: Path) -> int:
    with pymupdf.open(path) as document:
        pages = min(MAX_PAGES, document.page_count)
        for number in range(pages):
            document[number].get_text()
    return int(pages)


def _read_bare(path: Path) -> int:
    with pymupdf.open(path) as document:
        pages = min(MAX_PAGES, document.page_count)
        for number in range(pages):
            document[number].get_text("dict", flags=TEXT_FLAGS)
    return int(pages)


def _read_ours(path: Path) -> int:
    with open_document(path, name=path.name, threads=1) as document:
        return sum(1 for page in document.pages for _ in page.passes())


def _timed(readers: Mapping[str, Callable[[Path], int]], paths: Sequence[Path]) -> dict[str, tuple[int, float, float]]:
    """
    Return for each reader its number of pages, and its CPU and wall seconds.

    The readers take turns at each document, and the best round of each document counts. So a slow moment of the
    machine does not change the ratio of two readers.
    """
    costs = {}
    best: dict[tuple[str, Path], tuple[int, float, float]] = {}
    for _ in range(ROUNDS):
        for path in paths:
            for label, read in readers.items():
                cpu, wall = time.process_time(), time.perf_counter()
                pages = read(path)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                _, least_cpu, least_wall = best.get((label, path), (pages, cpu, wall))
                best[label, path] = pages, min(cpu, least_cpu), min(wall, least_wall)
    for label in readers:
        of_documents = [best[label, path] for path in paths]
        costs[label] = (
            sum(pages for pages, _, _ in of_documents),
            sum(cpu for _, cpu, _ in of_documents),
            sum(wall for _, _, wall in of_documents),
        )
    return costs


def _bench_ocr(paths: Sequence[Path]) -> None:
    """Print the CPU seconds to the end of each pass. A page with few lines has fewer passes."""
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


def _bench_ocr_peer(paths: Sequence[Path]) -> None:
    """Print the cost of the same images for all passes of the engine and for the peer, each after a warm-up image."""
    logging.disable()
    peer = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1})

    def read_by_peer(path: Path) -> None:
        peer(path)

    print(f"OCR beside its peer, {len(paths)} images")
    for label, read in (("open_document, all passes", _read_ours), ("rapidocr", read_by_peer)):
        read(paths[0])
        cpu, wall = time.process_time(), time.perf_counter()
        for path in paths:
            read(path)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        print(f"OCR: {label:<26}  {cpu / len(paths):.2f} CPU-s and {wall / len(paths):.2f} s wall an image")


def _bench_child(
    label: str, paths: Sequence[Path], categories: Sequence[Category], *, memory_goal: str, cpu_goal: str = ""
) -> None:
    """Print the cost of classifying all documents in one child process, and its peak of memory."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    pages = 0
    peaks = []
    with EngineProcess(EngineOptions(threads=1)) as engine:
        for path in paths:
            try:
                pages += engine.classify(path, categories, name=path.name).total_pages
            except DocumentError as error:
                print(f"  {error}")
            peaks.append(_peak_mb())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wall = time.perf_counter() - started
    print(
        f"child, {label}: {pages} pages, {spent / pages:.3f} CPU-s{cpu_goal} and {wall / pages:.3f} s wall "
        f"a page; peak memory {peaks[len(peaks) // 2]} MB halfway, {peaks[-1]} MB at the end (goal: {memory_goal})"
    )


def _peak_mb() -> int:
    (child,) = psutil.Process().children()
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{child.pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


if __name__ == "__main__":
    main()
