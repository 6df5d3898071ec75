"""Categories that examples show."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.sandbox.pool import EngineProcess
from airflow_provider_classify.engine.scoring.examples import COMMON_LIKENESS, POINTS, ExampleProfile, Examples
from airflow_provider_classify.exceptions import InvalidCategories
from airflow_provider_classify.model.categories import Category
from tests.support import paper
from tests.support.documents import write_corrupt_pdf, write_pdf

#: What no document type is known of: the log of a lighthouse.
LOG = """Lighthouse of {place}

Lamp lit {hour}, lamp out 06.10, oil burnt 4 pints
Wind {wind}, sea moderate, fog signal not sounded
Vessels sighted: {ships}, of which one schooner
Keeper of the watch: {keeper}"""
KNOWN = ("invoice", "letter", "contract", "receipt")


def log(place: str, hour: str, wind: str, ships: str, keeper: str) -> str:
    return LOG.format(place=place, hour=hour, wind=wind, ships=ships, keeper=keeper)


@pytest.fixture
def logs(tmp_path: Path) -> tuple[str, ...]:
    texts = [
        log("Godrevy", "19.40", "west", "seven", "J. Trevanion"),
        log("Skellig", "20.05", "south", "two", "L. Horak"),
    ]
    return tuple(str(write_pdf(tmp_path / f"log{number}.pdf", text)) for number, text in enumerate(texts))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return write_pdf(tmp_path / "page.pdf", log("Fastnet", "18.55", "north", "eleven", "M. Brandt"))


def profile(scores: list[float], *words: str) -> ExampleProfile:
    return ExampleProfile(scores, dict.fromkeys(words, 1.0), max(1.0, len(words) ** 0.5))


def test_a_page_is_most_like_itself_and_little_like_another() -> None:
    one, other = profile([9.0, 0.0], "lamp", "oil"), profile([0.0, 9.0], "seat", "gate")
    assert one.likeness(one) == pytest.approx(1.0)
    assert one.likeness(other) == other.likeness(one) < COMMON_LIKENESS
    assert one.likeness(other) < one.likeness(profile([9.0, 3.0], "lamp", "gate")) < 1.0


def test_pages_without_words_are_compared_by_their_scores() -> None:
    assert profile([1.0]).likeness(profile([1.0])) == pytest.approx(1 / 3)


def test_the_nearest_example_gives_its_points() -> None:
    page = profile([5.0, 1.0], "lamp", "oil")
    examples = Examples({"far.pdf": profile([0.0, 20.0], "seat"), "near.pdf": page}, is_known=False)
    assert examples.nearest(page) == ("near.pdf", pytest.approx(1.0))
    assert examples.points(page) == pytest.approx(POINTS * (1 - COMMON_LIKENESS))


def test_examples_add_nothing_to_what_is_unlike_them_and_less_to_a_known_name() -> None:
    example, page = profile([20.0, 0.0], "lamp", "oil"), profile([0.0, 20.0], "seat")
    assert Examples({"a": example}, is_known=False).points(page) == 0.0
    known, unknown = (Examples({"a": example}, is_known=is_known).points(example) for is_known in (True, False))
    assert 0.0 < known < unknown


def test_examples_show_a_type_that_nothing_is_known_of(logs: tuple[str, ...], page: Path) -> None:
    categories = [Category(name) for name in KNOWN]
    told = Classifier([*categories, Category("zeta")]).classify(page, name="page.pdf")
    shown = Classifier([*categories, Category("zeta", examples=logs)]).classify(page, name="page.pdf")
    assert told.confidence < 0.5
    assert shown.classification == "zeta"
    assert shown.confidence > 0.9
    nearest = shown.page_results[0].extra["nearest_example"]
    assert nearest["document"] in logs
    assert 0.5 < nearest["likeness"] <= 1.0


def test_examples_leave_documents_of_other_categories_be(logs: tuple[str, ...], tmp_path: Path) -> None:
    categories = [*(Category(name) for name in KNOWN), Category("zeta", examples=logs)]
    result = Classifier(categories).classify(write_pdf(tmp_path / "invoice.pdf"), name="invoice.pdf")
    assert result.classification == "invoice"
    assert result.confidence > 0.9
    assert "nearest_example" not in result.page_results[0].extra


def test_examples_show_what_a_path_names(logs: tuple[str, ...], page: Path) -> None:
    categories = [Category("finance/invoice"), Category("sea/zeta", examples=logs)]
    result = Classifier(categories).classify(page, name="page.pdf")
    assert result.classification == "sea/zeta"
    assert result.extra["confidence_by_path"]["sea"] == result.confidence


def test_a_child_process_reads_examples_relative_to_its_caller(
    logs: tuple[str, ...], page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(page.parent)
    names = tuple(Path(path).name for path in logs)
    with EngineProcess(EngineOptions(threads=1)) as engine:
        result = engine.classify(page, [Category("invoice"), Category("zeta", examples=names)], name="page.pdf")
    assert result.classification == "zeta"


def test_an_example_that_changed_is_read_anew(tmp_path: Path, logs: tuple[str, ...], page: Path) -> None:
    example = write_pdf(tmp_path / "example.pdf")
    categories = [Category("letter"), Category("zeta", examples=(str(example),))]
    before = Classifier(categories).classify(page, name="page.pdf")
    example.write_bytes(Path(logs[0]).read_bytes())
    after = Classifier(categories).classify(page, name="page.pdf")
    assert before.confidence < after.confidence
    assert after.classification == "zeta"


@pytest.mark.parametrize("kind", ["missing", "corrupt", "blank", "folder"])
def test_an_example_that_cannot_be_used_is_named(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "example.pdf"
    if kind == "corrupt":
        write_corrupt_pdf(path)
    elif kind == "blank":
        path.write_bytes(paper.pdf(""))
    elif kind == "folder":
        path.mkdir()
    with pytest.raises(InvalidCategories, match=r"An example of the category 'zeta' cannot be used: .*example\.pdf"):
        Classifier([Category("invoice"), Category("zeta", examples=(str(path),))])
