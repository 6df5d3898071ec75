"""Training on folders of labelled documents, with real files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest

pytest.importorskip("scipy", reason="training needs the extra train")

from airflow_provider_classify.engine.classify import Classifier
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.model.categories import Category
from training.documents import labelled_documents

#: Two kinds of documents that no document type describes, each told by words of its own.
KINDS = {
    "tide log": "The gauge at the {place} pier stood at {n} cm at high water and the marker buoy lay still",
    "bell register": "The {place} carillon was tuned by {n} cents and the clapper of the great bell was greased",
}
PLACES = ("north", "south", "east", "west", "inner", "outer", "upper", "lower")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "category"])
        for kind, sentence in KINDS.items():
            for number, place in enumerate(PLACES):
                name = f"{kind.replace(' ', '_')}_{number}.pdf"
                with pymupdf.open() as document:
                    page = document.new_page()
                    for line in range(6):
                        text = sentence.format(place=place, n=number * 7 + line)
                        page.insert_text((60, 80 + 20 * line), text, fontsize=9)
                    document.save(folder / name)
                rows.writerow([name, kind])
    return folder


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "training", *arguments], capture_output=True, text=True)


def test_learn_from_an_archive(archive: Path, tmp_path: Path) -> None:
    model, again = tmp_path / "own.npz", tmp_path / "again.npz"
    for file in (model, again):
        done = run(str(archive), "--model", str(file), "--metrics", str(file.with_suffix(".json")))
        assert done.returncode == 0, done.stderr
    assert model.read_bytes() == again.read_bytes()
    metrics = json.loads(model.with_suffix(".json").read_text())
    assert metrics["cross_validated"]["accuracy"] >= 0.9
    categories = [Category("a"), Category("b")]
    with pymupdf.open() as document:
        page = document.new_page()
        for line in range(6):
            page.insert_text(
                (60, 80 + 20 * line), "The carillon: its clapper was greased and its bell tuned", fontsize=9
            )
        document.save(tmp_path / "new.pdf")
    categories = [Category(name) for name in (*KINDS, "invoice")]
    result = Classifier(categories, EngineOptions(model=model)).classify(tmp_path / "new.pdf", name="new.pdf")
    assert result.classification == "bell register"


def test_without_documents_it_says_what_it_needs(tmp_path: Path) -> None:
    for arguments in ((), (str(tmp_path),)):
        done = run(*arguments)
        assert done.returncode == 1
        assert "labels.csv" in done.stderr
        assert "make train DOCUMENTS=" in done.stderr


def test_documents_of_one_source_stay_together(tmp_path: Path) -> None:
    rows = [f"{n}.pdf,letter,pdf,en,owner{n % 7}/repository{n}" for n in range(70)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,category,kind,language,source_repo", *rows]))
    documents = list(labelled_documents(tmp_path))
    for source in {document.source for document in documents}:
        of_source = [document for document in documents if document.source == source]
        assert len({(document.is_held_out, document.fold(5)) for document in of_source}) == 1
    assert {document.is_held_out for document in documents} == {True, False}
