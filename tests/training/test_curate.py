"""Which cues documents support, and which may be filed under a wrong language."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest

pytest.importorskip("scipy", reason="training needs the extra train")

from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.engine.scoring.compiled_knowledge import compiled_knowledge
from tests.support.pages import page_of
from training.cues import misfiled_cues, support_of_cues, without_support

#: Types of two categories: invoices are 0, and letters are 1.
CATEGORIES = {"invoice": 0, "letter": 1}
INVOICE = page_of("Bill to: Example Ltd", "Please pay this amount", "Payment terms: net 30")
LETTER = page_of("Dear Ann,", "please pay this amount soon.", "Yours sincerely,")


def families() -> list[int]:
    return [CATEGORIES.get(name, -1) for name in compiled_knowledge(load_knowledge()).type_scorer.names]


def test_support_has_the_sources_of_documents_by_their_category() -> None:
    documents = [([INVOICE], 0, "shop"), ([LETTER], 1, "friend"), ([LETTER], 1, "bank")]
    support = support_of_cues(documents, load_knowledge(), families())
    assert support["invoice", "pay this amount"].own == {"shop"}
    assert support["invoice", "pay this amount"].others == {"friend", "bank"}
    assert support["letter", "yours sincerely"].own == {"friend", "bank"}
    assert {name for name, _ in support} == set(CATEGORIES)


def test_cues_without_support_are_found_only_in_documents_of_other_categories() -> None:
    letters = [([LETTER], 1, "friend"), ([LETTER], 1, "bank")]
    support = support_of_cues(letters, load_knowledge(), families())
    assert ("invoice", "pay this amount") in without_support(support, least_others=2, least_of_type=0)
    assert without_support(support, least_others=3, least_of_type=0) == frozenset()
    support = support_of_cues([*letters, ([INVOICE], 0, "shop")], load_knowledge(), families())
    assert ("invoice", "pay this amount") not in without_support(support, least_others=2, least_of_type=0)


def test_cues_of_types_with_few_documents_are_not_reported() -> None:
    letters = [([LETTER], 1, "friend"), ([LETTER], 1, "bank")]
    shops = [([page_of("Bill to: Example Ltd", "Payment terms: net 30")], 0, shop) for shop in ("a", "b")]
    support = support_of_cues([*letters, *shops], load_knowledge(), families())
    assert support["invoice", "pay this amount"].of_type == {"a", "b"}
    assert ("invoice", "pay this amount") in without_support(support, least_others=2, least_of_type=2)
    assert ("invoice", "pay this amount") not in without_support(support, least_others=2, least_of_type=3)


def test_a_cue_whose_words_other_languages_use_is_reported(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "tide log:\n  description: A log.\n  cues:\n    en: {usual: 'numero de factura, amount due'}\n"
    )
    reported = {cue.cue: cue.probable for cue in misfiled_cues(load_knowledge(tmp_path)) if cue.type_name == "tide log"}
    assert reported == {"numero de factura": "es"}


def test_the_command_reports_on_a_folder(tmp_path: Path) -> None:
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "category"])
        for category, lines in (("invoice", INVOICE.lines), ("letter", LETTER.lines)):
            with pymupdf.open() as document:
                page = document.new_page()
                for number, line in enumerate(lines):
                    page.insert_text((60, 80 + 20 * number), line.text)
                document.save(tmp_path / f"{category}.pdf")
            rows.writerow([f"{category}.pdf", category])
    done = subprocess.run(
        [sys.executable, "-m", "training.curate", str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cues: en " in done.stdout
    assert "cues that are found only in documents of other categories" in done.stdout
