"""Write the documents of a packet to a folder, in the engine's child process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from airflow_provider_classify.engine.packets.pieces import documents_in, piece_name
from airflow_provider_classify.engine.sandbox.pool import EngineProcess


def write_pieces(
    engine: EngineProcess, path: Path, result: Mapping[str, Any], folder: Path, *, name: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """
    Write each document of a packet as a PDF. Yield its file, and its ``category``, ``pages`` and ``confidence``.

    :param path: the packet.
    :param result: its result, as a JSON object.
    :param folder: where the PDFs are written.
    :param name: the label of the packet. The names of the files begin with its name.
    :raises DocumentNotSplittable: the packet cannot be split.
    :raises ClassifyError: as :meth:`EngineProcess.split`.
    """
    documents = documents_in(result, name)
    files = [folder / piece_name(name, number, found["category"]) for number, found in enumerate(documents, 1)]
    targets = [(file, found["pages"]) for file, found in zip(files, documents, strict=True)]
    engine.split(path, targets, name=name, page_count=result["total_pages"])
    for file, found in zip(files, documents, strict=True):
        yield file, dict(found)
