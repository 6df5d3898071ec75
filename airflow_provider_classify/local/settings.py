"""The settings of a connection to the local engine."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_classify.model.contract import MAX_PAGES

#: Seconds that the engine may work on one document, where the connection does not say.
DOCUMENT_TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """
    What a connection with the backend ``local`` says. ``[classify]`` in Airflow's configuration says the rest.

    :param document_timeout: seconds that the engine may work on one document.
    :param max_pages: how many of its first pages a document is classified from.
    """

    conn_id: str
    document_timeout: float = DOCUMENT_TIMEOUT
    max_pages: int = MAX_PAGES
