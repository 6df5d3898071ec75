"""The options of the engine. A caller sets them once for all documents."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self, get_args

from airflow_provider_classify.model.api_contract import MAX_PAGES

#: When to use OCR: on pages whose text layer lacks text that the page shows, on each page, or on no page.
OcrMode = Literal["auto", "always", "never"]

#: What to do with the attachments of an e-mail: return a result only for the e-mail, or also one for each attachment.
AttachmentMode = Literal["ignore", "classify"]

#: How many pages of a document are classified: its first ones, or all. A packet of several documents needs all.
MaxPages = int | Literal["all"]

OCR_MODES: tuple[OcrMode, ...] = get_args(OcrMode)
ATTACHMENT_MODES: tuple[AttachmentMode, ...] = get_args(AttachmentMode)

#: The most pixels of a side of a small picture of a page. Such a picture takes 10 to 50 KB.
SMALL_SIDE = 560
#: The most pages that a result may have.
_ALL_PAGES = 1_000_000


def parse_max_pages(text: str) -> MaxPages:
    """Return ``all``, or a number of pages of at least 1. :raises ValueError: the text is neither."""
    if text == "all":
        return "all"
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise ValueError(f"{text!r} is neither a whole number of at least 1 nor all")
    return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """
    The options of the engine.

    :param seconds: the most seconds of wall time for one document. A heavy scan takes about 10.
    :param memory_mb: the most memory of the parser in MB, enforced only on Linux. A heavy scan takes about 500.
    :param threads: the number of cores that OCR may use; all available cores if None.
    :param max_pages: the most pages that are classified, at least 1; ``all`` for no limit. A longer document is
        classified from its first pages.
    :param document_types: the folder of the user's own document types, in addition to those of this package.
    :param sentence_model: the folder of a sentence model for category names that the knowledge does not have.
    :param model: the file of the learned model; that of this package if None.
    :param ocr_models: the folder of OCR models for other scripts; None for none.
    :param ocr: when to use OCR; see :func:`~airflow_provider_classify.engine.reading.open_document`.
    :param attachments: what to do with the attachments of an e-mail.
    :param niceness: the niceness of the child process, from 0 to 19. A higher one lowers its priority, so that a server
        stays responsive at full load.
    """

    seconds: float = 120.0
    memory_mb: int = 2048
    threads: int | None = None
    max_pages: MaxPages = MAX_PAGES
    document_types: Path | None = None
    sentence_model: Path | None = None
    model: Path | None = None
    ocr_models: Path | None = None
    ocr: OcrMode = "auto"
    attachments: AttachmentMode = "ignore"
    niceness: int = 0

    @property
    def page_limit(self) -> int:
        """``max_pages`` as a number; 1,000,000 for ``all``."""
        return _ALL_PAGES if self.max_pages == "all" else self.max_pages

    def to_json(self) -> str:
        """Return the options as a JSON object. Paths are absolute, because the reader may run in another folder."""
        return json.dumps(asdict(self), default=lambda folder: str(folder.absolute()))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the options that :meth:`to_json` wrote."""
        fields = json.loads(text)
        for name in ("document_types", "sentence_model", "model", "ocr_models"):
            fields[name] = Path(fields[name]) if fields[name] else None
        return cls(**fields)
