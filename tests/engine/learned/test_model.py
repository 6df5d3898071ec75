"""The learned model: what it holds, what it adds to points, and what it shows as evidence."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pymupdf
import pytest

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.learned import familiarity, layout_measures, looks, origin, text_measures
from airflow_provider_classify.engine.learned.model import MEASURES, NONE, PARTS, LearnedModel, load_model
from airflow_provider_classify.engine.learned.model_file import SHIPPED
from airflow_provider_classify.engine.learned.origin import Origin, PdfMetadata
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading import OpenedDocument, open_document
from airflow_provider_classify.engine.scoring.category_set import CategorySet
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge
from airflow_provider_classify.exceptions import ModelNotUsable
from airflow_provider_classify.model.categories import Category
from tests.support import paper
from tests.support.pages import page_of
from tests.support.written import Written, as_document
from training.vocabulary import allowed_words
from training.writing import write_model

CATEGORIES = [Category("invoice"), Category("letter"), Category("advertisement")]
LETTER = page_of(
    "Dear Ann,",
    "thank you for your letter of May, in which you tell us of the garden, of the old pear tree",
    "and of the neighbours and their cat. We shall come to see all of it when the summer is here.",
    "Yours sincerely,",
    "Ben",
)
#: A white page with a dark line, as a picture.
PICTURE = np.full((looks.HEIGHT, looks.WIDTH, 3), 255, np.uint8)
PICTURE[20:24, 8:40] = 30


def type_names() -> list[str]:
    return compiled_knowledge(load_knowledge()).type_scorer.names


def model_with(*, words: dict[str, tuple[float, ...]] | None = None, **weights: tuple[float, ...]) -> LearnedModel:
    """Return a model of two families, letters and none; ``weights`` are by the name of a measure, with _ for :."""
    families, names = ["letter", NONE], type_names()
    arrays = dict(LearnedModel.empty(names).arrays)
    words = words or {}
    arrays |= {
        "measures": np.array(MEASURES),
        "families": np.array(families),
        "type_names": np.array(names),
        "type_families": np.array([0 if name == "letter" else -1 for name in names]),
        "words": np.array(list(words), dtype=str),
        "rarity": np.ones(len(words)),
        "weights_words": np.array(list(words.values())).reshape(-1, 2),
        "constant": np.zeros(2),
    }
    for part, measures in {"scores": names, **PARTS}.items():
        arrays[f"weights_{part}"] = np.zeros((len(measures), 2))
        for number, name in enumerate(measures):
            if name.replace(":", "_") in weights:
                arrays[f"weights_{part}"][number] = weights[name.replace(":", "_")]
    return LearnedModel(arrays, "test")


def points(model: LearnedModel, page: Page, document: Origin | None = None) -> list[float]:
    answer = CategorySet(CATEGORIES, load_knowledge(), model=model).answer(page, origin=document)
    return list(answer.points)


def test_the_shipped_model_holds_no_name_and_no_number() -> None:
    words = [str(word) for word in load_model().arrays["words"]]
    assert len(words) > 500
    assert set(words) <= allowed_words()
    assert not [word for word in words if re.search(r"[\d@/]", word)]


def test_no_name_that_the_documents_of_the_tests_invent_may_be_in_a_model() -> None:
    assert {"invoice", "rechnung", "dear"} <= allowed_words()
    assert not {"smith", "müller", "muller", "johnson", "harbour7"} & allowed_words()


def test_the_shipped_model_is_small_and_of_the_types_of_the_knowledge() -> None:
    model = load_model()
    assert SHIPPED.stat().st_size < 3_000_000
    assert {str(name) for name in model.arrays["type_names"]} == set(type_names())
    assert model.none is not None
    assert model.family_of_type("invoice") == model.family_of_category("Invoices")
    assert model.family_of_type("timetable") == model.none


def test_an_empty_model_changes_no_points() -> None:
    empty = LearnedModel.empty(type_names())
    nothing = model_with()
    assert points(empty, LETTER) == pytest.approx(points(nothing, LETTER))


def test_a_measure_adds_points_to_a_family_and_others_to_the_rest() -> None:
    before, after = (points(model_with(**weights), LETTER) for weights in ({}, {"format_pdf": (1.5, -0.5)}))
    assert np.subtract(after, before) == pytest.approx([-0.5, 1.5, -0.5, -0.5])


def test_the_origin_counts() -> None:
    model = model_with(program_slides=(2.0, 0.0))
    before, after = (points(model, LETTER, Origin("pdf", PdfMetadata(made))) for made in ("", "Microsoft PowerPoint"))
    assert after[1] - before[1] == pytest.approx(2.0)


def test_a_look_counts_only_where_a_page_has_one() -> None:
    model = model_with(look_paper=(2.0, 0.0))
    look = looks.look_of(PICTURE)
    with_look = Page(
        **{name: getattr(LETTER, name) for name in ("number", "width", "height", "lines", "source")}, look=look
    )
    paper = look[looks.NAMES.index("look:paper")]
    assert points(model, with_look)[1] - points(model, LETTER)[1] == pytest.approx(2.0 * paper, abs=1e-5)


def test_a_word_is_evidence_with_its_line() -> None:
    model = model_with(words={"thank": (40.0, 0.0), "invoice": (9.0, 0.0)})
    answer = CategorySet(CATEGORIES, load_knowledge(), model=model).answer(LETTER)
    letter = type_names().index("letter")
    (found,) = [e for e in answer.scored.correction.evidence(0, answer.scored.types.text) if e.phrase == "thank"]
    assert found.line == LETTER.lines[1]
    assert found.weight == pytest.approx(points(model, LETTER)[1] - points(model_with(), LETTER)[1], abs=1e-5)
    shown = CategorySet(CATEGORIES, load_knowledge(), model=model).evidence(answer, letter, 3)
    assert "thank" in [evidence.phrase for evidence in shown]


def test_a_page_with_hardly_any_text_keeps_the_points_of_the_knowledge() -> None:
    model = model_with(format_pdf=(3.0, 0.0), words={"invoice": (40.0, 0.0)})
    changes = [
        max(abs(a - b) for a, b in zip(points(model, page), points(model_with(), page), strict=True))
        for page in (page_of("Invoice"), page_of("Invoice", *["a line of a letter without much to say"] * 5))
    ]
    assert changes[0] < 0.3 < changes[1]


def test_what_the_whole_page_shows_is_evidence_without_a_line() -> None:
    model = model_with(layout_ratio=(3.0, 0.0))
    answer = CategorySet(CATEGORIES, load_knowledge(), model=model).answer(LETTER)
    (found,) = answer.scored.correction.evidence(0, answer.scored.types.text)
    assert (found.phrase, found.line) == ("layout", None)


def test_measures_have_their_names() -> None:
    answer = CategorySet(CATEGORIES, load_knowledge(), model=LearnedModel.empty(type_names())).answer(LETTER)
    types = answer.scored.types
    blank = Page(1, 595, 842, (), "ocr")
    assert len(text_measures.text_measures(types.text, types.features)) == len(text_measures.NAMES)
    assert len(layout_measures.layout_measures(LETTER, types.features)) == len(layout_measures.NAMES)
    assert len(layout_measures.layout_measures(blank, types.features)) == len(layout_measures.NAMES)
    assert len(familiarity.familiarity_measures(types)) == len(familiarity.NAMES)
    assert len(looks.look_of(PICTURE)) == len(looks.NAMES)
    assert len(origin.origin_measures(Origin())) == len(origin.NAMES)


@pytest.mark.parametrize(("lines", "is_seen"), [(3, True), (40, False)])
def test_a_page_with_little_text_is_also_looked_at(lines: int, is_seen: bool, tmp_path: Path) -> None:
    with pymupdf.open() as document:
        page = document.new_page()
        for number in range(lines):
            page.insert_text((60, 60 + 14 * number), "The lamp upon the hill burned when all was still", fontsize=11)
        document.save(tmp_path / "page.pdf")
    with open_document(tmp_path / "page.pdf", name="page.pdf", threads=1) as opened:
        first, *others = next(opened.pages).passes()
    assert first.look is None
    assert [page.look is not None for page in others] == [True] * is_seen


def test_a_scan_is_looked_at_with_its_first_lines(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(paper.encoded(paper.picture()))
    with open_document(tmp_path / "scan.png", name="scan.png", threads=1) as opened:
        first = next(next(opened.pages).passes())
    assert first.look is not None
    assert first.look[looks.NAMES.index("look:coloured")] < 0.1


def test_types_of_the_users_own_get_the_points_of_the_knowledge(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "zoo ticket:\n  description: A ticket for a zoo.\n  cues:\n    en:\n      decisive: zoo entrance\n"
    )
    own = CategorySet([Category("zoo ticket"), *CATEGORIES], load_knowledge(tmp_path))
    answer = own.answer(page_of("Zoo entrance", "One adult", "Two children", "Have a nice day among the animals"))
    assert own.names[answer.best] == "zoo ticket"


def test_a_model_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "own.npz"
    write_model(model_with(format_pdf=(4.0, 0.0)).arrays, file)
    classifier = Classifier(CATEGORIES, EngineOptions(model=file))
    with_own = classifier.classify_document(_document())
    usual = Classifier(CATEGORIES).classify_document(_document())
    assert with_own.extra["engine"]["model"] != usual.extra["engine"]["model"] == load_model().version


def _document() -> OpenedDocument:
    return as_document(Written("letter", "en", "page", tuple(line.text for line in LETTER.lines), frozenset()))


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"PK nothing", "is not a model"), (b"", "is not a model")],
    ids=["missing", "other", "empty"],
)
def test_a_file_that_is_no_model(content: bytes | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ModelNotUsable, match=message):
        load_model(file)


def test_a_model_of_another_version(tmp_path: Path) -> None:
    arrays = model_with().arrays
    write_model({**arrays, "measures": np.array(0)}, tmp_path / "model.npz")
    with pytest.raises(ModelNotUsable, match="another version"):
        load_model(tmp_path / "model.npz")
