"""The same document gives the same answer in every process, to the last digit and the last phrase of evidence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import paper

_CLASSIFY = """
import json, sys
from pathlib import Path
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.engine.classify import Classifier

names = ("datasheet", "invoice", "old agreement")
categories = [*map(Category, names), Category("zeta", "An amount on a card.")]
for name in sys.argv[1:]:
    print(json.dumps(Classifier(categories, EngineOptions(threads=1)).classify(Path(name), name=name).to_json()))
"""
#: Words that several cues are the beginnings of, all of one strength: which of them is named must not be chance.
_TEXT = "Температура, мощность, частота и напряжения микросхемы, транзистора и диода; габаритные размеры."


def test_whatever_the_order_of_sets(tmp_path: Path) -> None:
    text, picture = tmp_path / "text.txt", tmp_path / "picture.png"
    text.write_text(_TEXT)
    picture.write_bytes(paper.encoded(paper.picture()))
    answers = {
        subprocess.run(
            [sys.executable, "-c", _CLASSIFY, text, picture],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in range(4)
    }
    assert len(answers) == 1
    assert answers.pop().count('"evidence"') == 2
