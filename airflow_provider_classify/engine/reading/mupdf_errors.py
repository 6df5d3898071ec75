"""Turn MuPDF's errors into those of this package."""

from __future__ import annotations

import pymupdf

from airflow_provider_classify.engine.freed_memory import is_out_of_memory
from airflow_provider_classify.exceptions import DocumentCorrupt

#: PyMuPDF raises its own errors as RuntimeError and the errors of MuPDF unchanged. For a damaged file with fewer pages
#: than it declares, it raises IndexError or ValueError.
MUPDF_ERRORS = (RuntimeError, ValueError, IndexError, pymupdf.mupdf.FzErrorBase)


def damage(error: Exception, what: str) -> Exception:
    """Return the error to raise for ``what``, a document or a page. If memory ran out, return a ``MemoryError``."""
    if is_out_of_memory(error):
        return MemoryError(str(error))
    return DocumentCorrupt(f"{what} is damaged or incomplete; fetch it again, or save it again in its application.")
