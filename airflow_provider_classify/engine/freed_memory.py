"""Return freed memory to the system, and recognise the errors that mean that memory ran out."""

from __future__ import annotations

import ctypes
import re

#: The messages of MuPDF, onnxruntime and OpenCV when memory ran out.
_MESSAGES = re.compile(r"[mc]?alloc \([^)]*\) failed|bad.?alloc|insufficient memory|failed to allocate", re.I)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out. Most libraries do not raise ``MemoryError``."""
    return isinstance(error, MemoryError) or _MESSAGES.search(str(error)) is not None


def release_freed_memory() -> None:
    """
    Return to the system the memory that was freed and that the C library keeps.

    Only glibc can do this. With another C library, do nothing.

    OCR allocates a block of a different size for each line of text. That fragments memory, so the process would grow
    with each scan.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
