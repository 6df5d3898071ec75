"""Read the output of a batch on the API server, if the setting ``[classify] page_outputs`` allows it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from airflow.providers.common.compat.sdk import conf

from airflow_provider_classify.batch.output import read_output
from airflow_provider_classify.documents.allowed_roots import is_allowed, roots_of
from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.plugins.documents import Document
from airflow_provider_classify.plugins.values import Stored, document_of

log = logging.getLogger(__name__)

#: The most rows of an output that the page reads.
MAX_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Rows:
    """
    The documents of an output.

    :param is_truncated: whether the output has more rows than the page reads.
    :param note: one sentence that says why no rows are read; empty if rows are read.
    """

    documents: Sequence[Document] = ()
    is_truncated: bool = False
    note: str = ""


def read_rows(manifest: Stored) -> Rows:
    """
    Return the documents of the output that a manifest names.

    The author of a DAG can write any path into a manifest, and the API server may have access to more files than the
    author. So only outputs in the folders of ``[classify] page_outputs`` are read.
    """
    output = manifest.value["output"]
    try:
        roots = roots_of(str(conf.get("classify", "page_outputs", fallback="") or ""))
        if not isinstance(output, str) or not roots or not is_allowed(output, roots):
            return Rows(note="The setting [classify] page_outputs does not list the folder of this output.")
        rows = list(islice(read_output(output), MAX_ROWS + 1))
    except ClassifyError as error:
        return Rows(note=str(error))
    except (OSError, ValueError) as error:  # not the output of a batch, or a disk error
        log.warning("The page cannot read the output of %s.%s", manifest.run_id, manifest.task_id, exc_info=error)
        return Rows(note="The output cannot be read; the log of the API server says why.")
    return Rows([document_of(row, manifest) for row in rows[:MAX_ROWS]], is_truncated=len(rows) > MAX_ROWS)
