"""
Read lines in other scripts with the recognition models that ``rapidocr`` offers for download.

Nothing is downloaded here: ``airflow-classify fetch-ocr-models`` does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.ocr.recognise_line import LINE_HEIGHT, RecognisedText, Recogniser
from airflow_provider_classify.engine.ocr.scripts import SCRIPTS, Script

#: The models of ``rapidocr`` by script, without the suffix of their files.
MODEL_NAMES: Mapping[str, str] = {
    "Arabic": "arabic_PP-OCRv5_rec_mobile",
    "Cyrillic": "cyrillic_PP-OCRv5_rec_mobile",
    "Devanagari": "devanagari_PP-OCRv5_rec_mobile",
    "Greek": "el_PP-OCRv5_rec_mobile",
    "Korean": "korean_PP-OCRv5_rec_mobile",
    "Tamil": "ta_PP-OCRv5_rec_mobile",
    "Telugu": "te_PP-OCRv5_rec_mobile",
    "Thai": "th_PP-OCRv5_rec_mobile",
}
#: The most lines that decide the script, and the least mean probability of their characters.
_SAMPLED_LINES, _LEAST_PROBABILITY = 4, 0.7
#: Scripts that are written from right to left. The models return their characters as they stand from left to right.
_RIGHT_TO_LEFT = frozenset({"Arabic", "Hebrew"})
_LEFT_TO_RIGHT = re.compile(r"[A-Za-z0-9:*./%+-]+(?: +[A-Za-z0-9:*./%+-]+)*|.", re.DOTALL)


class ScriptModels:
    """
    The models in a folder. Each is loaded when it is first needed.

    :param folder: the folder of the models.
    :param threads: the number of cores that they may use.
    :param scripts: the scripts to recognise.
    :param names: the names of the models by script.
    """

    def __init__(
        self,
        folder: Path,
        *,
        threads: int,
        scripts: Sequence[Script] = SCRIPTS,
        names: Mapping[str, str] = MODEL_NAMES,
    ) -> None:
        files = models_in(folder, names)
        self._files = [(script, files[script.name]) for script in scripts if script.name in files]
        self._loaded = cache(lambda file: Recogniser(file, threads=threads))

    def read(self, cuts: Sequence[Pixels | None]) -> list[RecognisedText] | None:
        """
        Read lines cut out of a page; return ``None`` if the folder has no model of their script.

        :param cuts: the pictures of upright lines, ``LINE_HEIGHT`` pixels high; ``None`` for a line without picture.
        """
        sample = [cut for cut in cuts if cut is not None][:_SAMPLED_LINES]
        readings = {script.name: (file, list(self._recognised(script, file, sample))) for script, file in self._files}
        best = max(readings, key=lambda name: _probability(readings[name][1]), default=None)
        script = next((script for script, _ in self._files if script.name == best), None)
        if best is None or script is None or not _is_right(script, readings[best][1], sample):
            return None
        return list(self._recognised(script, readings[best][0], cuts))

    def _recognised(self, script: Script, file: Path, cuts: Sequence[Pixels | None]) -> Iterator[RecognisedText]:
        for cut in cuts:
            found = RecognisedText("", 0.0) if cut is None else self._loaded(file).recognise(cut)
            is_turned = script.name in _RIGHT_TO_LEFT
            yield RecognisedText(in_order_of_reading(found.text), found.probability) if is_turned else found


def models_in(folder: Path, names: Mapping[str, str] = MODEL_NAMES) -> dict[str, Path]:
    """Return the files of the models in a folder by script."""
    files = {script: folder / f"{name}.onnx" for script, name in names.items()}
    return {script: file for script, file in files.items() if file.is_file()}


def in_order_of_reading(text: str) -> str:
    """Return a right-to-left text in the order of reading. In ``text``, characters are as they stand from the left."""
    return "".join(reversed(_LEFT_TO_RIGHT.findall(text)))


def _probability(texts: Sequence[RecognisedText]) -> float:
    return sum(text.probability for text in texts) / max(1, len(texts))


def _is_right(script: Script, texts: Sequence[RecognisedText], cuts: Sequence[Pixels | None]) -> bool:
    room = sum(int(cut.shape[1]) for cut in cuts if cut is not None) / LINE_HEIGHT
    text = " ".join(text.text for text in texts)
    return _probability(texts) >= _LEAST_PROBABILITY and script.sureness(text, room) > 0
