"""Write the documents of a packet to a folder or an object storage."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.documents.temp_folder import temporary_folder
from airflow_provider_classify.engine.options import EngineOptions
from airflow_provider_classify.local.engine_extra import require_engine
from airflow_provider_classify.local.options import engine_options
from airflow_provider_classify.local.settings import LocalSettings

_CHUNK = 1024 * 1024


def split_packet(
    document: Document, result: Mapping[str, Any], to: str, settings: LocalSettings | None
) -> list[dict[str, Any]]:
    """
    Write each document of a packet as a PDF; see :meth:`ClassifyHook.split`.

    :param settings: the settings of the local engine, with its limits; the defaults if None.
    """
    require_engine(", which splits packets")
    from airflow_provider_classify.engine.packets.write import write_pieces
    from airflow_provider_classify.engine.sandbox.pool import EngineProcess

    options = engine_options(settings) if settings else EngineOptions()
    target, entries = StoragePath(to), []
    with document.local_copy() as path, temporary_folder() as folder, EngineProcess(options) as engine:
        for file, found in write_pieces(engine, path, result, folder, name=document.label):
            piece = target / file.name
            with file.open("rb") as source, piece.write() as copy:
                shutil.copyfileobj(source, copy, _CHUNK)
            entries.append({"document": piece.reference, **found, "packet": document.label})
    return entries
