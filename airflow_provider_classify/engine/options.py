"""The options of the engine, which a caller sets once and which hold for every document."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from airflow_provider_classify.engine.page import OcrMode
from airflow_provider_classify.model.contract import MAX_PAGES

#: What to do with the attachments of an e-mail: leave them out, or give each a result of its own.
AttachmentMode = Literal["ignore", "classify"]

OCR_MODES: tuple[OcrMode, ...] = get_args(OcrMode)
ATTACHMENT_MODES: tuple[AttachmentMode, ...] = get_args(AttachmentMode)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """
    The options of the engine.

    :param seconds: wall time in seconds that one document may take; a heavy scan takes 10.
    :param memory_mb: memory in MB that the parser may use, enforced on Linux only; a heavy scan takes 500.
    :param threads: cores that OCR may use; all available cores if None.
    :param max_pages: a longer document is classified from its first pages; at least 1.
    :param document_types: folder of the user's own document types, read beside those of this package.
    :param sentence_model: folder of a sentence model, for category names that the knowledge does not have.
    :param ocr: when to use OCR; see :func:`~airflow_provider_classify.engine.reading.open_document`.
    :param attachments: what to do with the attachments of an e-mail.
    """

    seconds: float = 120.0
    memory_mb: int = 2048
    threads: int | None = None
    max_pages: int = MAX_PAGES
    document_types: Path | None = None
    sentence_model: Path | None = None
    ocr: OcrMode = "auto"
    attachments: AttachmentMode = "ignore"

    def to_json(self) -> str:
        """Return the options as a JSON object; folders are absolute, since the reader may be in another one."""
        return json.dumps(asdict(self), default=lambda folder: str(folder.absolute()))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the options that :meth:`to_json` wrote."""
        fields = json.loads(text)
        for name in ("document_types", "sentence_model"):
            fields[name] = Path(fields[name]) if fields[name] else None
        return cls(**fields)
