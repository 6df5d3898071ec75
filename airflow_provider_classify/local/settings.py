"""The settings of a connection to the local engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from airflow_provider_classify.engine.options import AttachmentMode, MaxPages, OcrMode
from airflow_provider_classify.model.api_contract import MAX_PAGES

#: The default of ``document_timeout``, in seconds.
DOCUMENT_TIMEOUT = 120.0


class WorkerSettings:
    """The settings of a backend that reads the documents where the task runs. Its jobs have no URL."""

    __slots__ = ()

    #: Whether the documents are read where the task runs.
    reads_documents: ClassVar[bool] = True
    warnings: ClassVar[tuple[str, ...]] = ()

    def job_url(self, job_id: str) -> str:
        """Return an empty text, because the job has no URL."""
        return ""


@dataclass(frozen=True, slots=True)
class LocalSettings(WorkerSettings):
    """
    The settings of a connection with the backend ``local``. Other settings are in ``[classify]`` of Airflow's
    configuration.

    :param document_timeout: the most seconds that the engine works on one document, above 0.
    :param max_pages: the number of first pages of a document that are classified, at least 1; or ``all``.
    :param ocr: ``auto`` uses OCR on pages whose text layer lacks text that the page shows, ``always`` on each page,
        ``never`` on no page.
    :param attachments: ``classify`` also classifies the attachments of an e-mail, and ``ignore`` does not.
    :param evidence: whether results contain text of the document.
    """

    backend_name: ClassVar[str] = "local"

    conn_id: str
    document_timeout: float = DOCUMENT_TIMEOUT
    max_pages: MaxPages = MAX_PAGES
    ocr: OcrMode = "auto"
    attachments: AttachmentMode = "ignore"
    evidence: bool = True
