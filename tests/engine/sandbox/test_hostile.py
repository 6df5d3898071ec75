"""Hostile documents: each ends in a result or in an error of its own, and the engine goes on."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from samples import draw_samples

from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentCrashedParser,
    DocumentTookTooLong,
)
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from benchmarks.fuzz import classify_all, unsound
from benchmarks.fuzz_seeds import write_seeds
from benchmarks.mutations import KINDS, Mutation
from tests.support import hostile, paper
from tests.support.reading import read, text

CATEGORIES = (Category("invoice"), Category("contract"), Category("letter"))
HTML = "<!DOCTYPE html><html><body>"
NESTED = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(2000))


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess(EngineOptions(seconds=60, threads=1)) as engine:
        yield engine


def _classify(engine: EngineProcess, data: bytes, folder: Path) -> ClassificationResult:
    (folder / "data").write_bytes(data)
    result = engine.classify(folder / "data", CATEGORIES, name="hostile.pdf")
    assert unsound(result) is None
    return result


def _is_well(engine: EngineProcess, folder: Path) -> bool:
    return _classify(engine, paper.pdf(hostile.LINE), folder).classification == "invoice"


def test_damaged_documents(tmp_path: Path) -> None:
    documents = [*draw_samples(tmp_path), *write_seeds(tmp_path)]
    mutations = [Mutation(number, documents) for number in range(len(KINDS) * len(documents))]
    outcomes = classify_all(mutations, seconds=60)
    assert [outcome.fault for outcome in outcomes if outcome.fault] == []
    assert {outcome.mutation.source for outcome in outcomes} == set(documents)
    assert {type(outcome.error) for outcome in outcomes} >= {type(None), DocumentCorrupt}


def test_mutations_are_the_same_every_time(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(paper.pdf(hostile.LINE))
    for number in range(len(KINDS)):
        mutation = Mutation(number, [path])
        assert mutation.damaged() == mutation.damaged() != b""
    assert any(Mutation(number, [path]).damaged() != path.read_bytes() for number in range(len(KINDS)))


@pytest.mark.parametrize(
    "box",
    [
        "0 0 14400 14400",
        "0 0 1e9 1e9",
        "0 0 1e38 1e38",
        "0 0 0 0",
        "0 0 nan nan",
        "595 842 0 0",
        "-1e30 -1e30 1e30 1e30",
        "",
    ],
)
@pytest.mark.parametrize("content", [hostile.TEXT, hostile.DRAWING], ids=["text", "drawing"])
def test_page_of_any_size(engine: EngineProcess, box: str, content: bytes, tmp_path: Path) -> None:
    result = _classify(engine, hostile.page(hostile.stream(content), box=box.encode()), tmp_path)
    assert result.total_pages == 1
    assert result.classification == "invoice" or content is hostile.DRAWING


@pytest.mark.parametrize("box", ["0 0 1 14400", "0 0 14400 0.001"])
def test_page_with_no_room_for_a_pixel_is_blank(engine: EngineProcess, box: str, tmp_path: Path) -> None:
    result = _classify(engine, hostile.page(hostile.stream(hostile.DRAWING), box=box.encode()), tmp_path)
    assert [page.success for page in result.page_results] == [True]


def test_10000_pages(engine: EngineProcess, tmp_path: Path) -> None:
    result = _classify(engine, hostile.pdf_of_pages(10_000), tmp_path)
    assert (result.classification, result.total_pages) == ("invoice", 4)


def test_image_of_10000_blank_frames(engine: EngineProcess, tmp_path: Path) -> None:
    frames = [Image.new("1", (8, 8), number % 2) for number in range(10_000)]
    data = paper.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert _classify(engine, data, tmp_path).total_pages == 4 * 4


HARMLESS: dict[str, Callable[[], bytes]] = {
    "a form within itself": lambda: hostile.form_within_itself(),
    "a page 5000 levels down": lambda: hostile.page_tree(5000),
    "an image of 65,000 x 65,000 in a PDF": lambda: hostile.pdf_image(65_000),
    "an array of a million arrays": lambda: hostile.page(b"[" * 1_000_000),
    "text packed three times": lambda: hostile.packed_three_times(50_000_000),
    "an image of 100 megapixels": lambda: paper.encoded(Image.new("1", (10_000, 10_000), 1)),
    "a row of comments": lambda: b"<!--a-->\n" * 400 + b"Invoice number 7",
    "a megabyte in one line": lambda: b"Invoice" * 150_000,
    "a megabyte of line breaks": lambda: b"Invoice\n" * 130_000,
    "a header of a megabyte": lambda: hostile.email(f"Cc: {'=?utf-8?q?a?= ' * 80_000}"),
    "a body without end": lambda: hostile.email("Content-Type: text/plain", "Invoice" * 1_000_000),
    "a charset that is none": lambda: hostile.email("Content-Type: text/plain; charset=undefined", hostile.LINE),
    "half a character": lambda: hostile.email(
        "Content-Type: text/plain; charset=unicode_escape", f"{hostile.LINE} \\ud800"
    ),
}


@pytest.mark.parametrize("draw", HARMLESS.values(), ids=HARMLESS)
def test_bomb_that_does_not_go_off(engine: EngineProcess, draw: Callable[[], bytes], tmp_path: Path) -> None:
    assert _classify(engine, draw(), tmp_path).success


CORRUPT: dict[str, Callable[[], bytes]] = {
    "entities within entities": lambda: hostile.docx_of(hostile.laughs(12)),
    "a page tree within itself": lambda: hostile.pdf_of_objects(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"]
    ),
    "a billion pages": lambda: hostile.page().replace(b"/Count 1>>", b"/Count 1000000000>>"),
    "content of a million arrays": lambda: hostile.page(hostile.stream(b"[" * 1_000_000)),
    "a million elements deep": lambda: hostile.docx_of("<w:p>" * 1_000_000),
    "an archive that unpacks to more than it says": lambda: hostile.docx_that_lies(500),
    "an archive of a later version": hostile.docx_of_a_later_zip,
    "a profile of 300 MB": lambda: hostile.png_with_bomb(b"iCCP", 300_000_000),
    "a text of 300 MB": lambda: hostile.png_with_bomb(b"zTXt", 300_000_000),
    "parts within parts": lambda: hostile.email(NESTED),
    "messages within messages": lambda: hostile.email("Content-Type: message/rfc822\n\n" * 5000),
}


@pytest.mark.parametrize("draw", CORRUPT.values(), ids=CORRUPT)
def test_bomb_is_called_damaged(engine: EngineProcess, draw: Callable[[], bytes], tmp_path: Path) -> None:
    with pytest.raises(DocumentCorrupt, match=r"'hostile\.pdf'"):
        _classify(engine, draw(), tmp_path)
    assert _is_well(engine, tmp_path)


def test_frame_larger_than_its_image_fails_alone(engine: EngineProcess, tmp_path: Path) -> None:
    first, second = _classify(engine, hostile.gif_with_large_frame(60_000), tmp_path).page_results
    assert first.success
    assert second.error is not None
    assert "more than 100,000,000 pixels" in second.error


@pytest.mark.parametrize("tag", ["<div>", "<table><tr><td>"])
def test_html_of_depth(tag: str, tmp_path: Path) -> None:
    """MuPDF may read it, run out of stack, or take for ever; the engine survives each."""
    with EngineProcess(EngineOptions(seconds=5, threads=1)) as engine:
        with suppress(DocumentCorrupt, DocumentCrashedParser, DocumentTookTooLong):
            _classify(engine, (HTML + tag * 100_000).encode(), tmp_path)
        assert _is_well(engine, tmp_path)


def test_document_without_end_is_stopped(tmp_path: Path) -> None:
    with EngineProcess(EngineOptions(seconds=3, threads=1)) as engine:
        assert _is_well(engine, tmp_path)
        with pytest.raises(DocumentTookTooLong, match="within 3 seconds"):
            _classify(engine, hostile.nested_forms(12, 10), tmp_path)
        assert _is_well(engine, tmp_path)


def test_nothing_is_fetched_and_no_script_runs(engine: EngineProcess, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/".encode()
        script = b"<</S/JavaScript/JS(while \\(true\\) { app.launchURL\\('%s'\\) })>>" % url
        link = b"/Annots[<</Type/Annot/Subtype/Link/Rect[0 0 595 842]/A<</S/URI/URI(%s)>>>>]" % url
        remote = b"<</FS/URL/F(%s)>>" % url
        for data in (
            hostile.page(catalogue=b"/OpenAction" + script, fields=link + b"/AA<</O%s>>" % script),
            hostile.page(catalogue=b"/OpenAction<</S/Launch/F%s/Win<</F(cmd.exe)>>>>" % remote),
            hostile.page(catalogue=b"/OpenAction<</S/SubmitForm/F%s>>/AcroForm<</Fields[]/XFA()>>" % remote),
            f"{HTML}<link rel=stylesheet href={url.decode()}><script src={url.decode()}></script>"
            f"<img src='{url.decode()}'><iframe src={url.decode()}></iframe><p>{hostile.LINE}".encode(),
            hostile.email("Content-Type: text/html", f"<img src='{url.decode()}'><p>{hostile.LINE}"),
        ):
            assert _classify(engine, data, tmp_path).classification == "invoice"
        with pytest.raises(BlockingIOError):
            server.accept()


def test_content_in_another_file_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(hostile.TEXT)
    content = b"<</F(%s)/Length 0>>stream\n\nendstream" % str(secret).encode()
    (page,) = read(hostile.page(content), tmp_path)
    assert "Invoice" not in text(page)
