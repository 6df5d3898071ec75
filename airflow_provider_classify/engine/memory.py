"""Memory: return it to the system, and recognize the errors that mean there is too little of it."""

from __future__ import annotations

import ctypes
import re

#: What MuPDF, onnxruntime and OpenCV say, in this order.
_MESSAGES = re.compile(r"[mc]?alloc \([^)]*\) failed|bad.?alloc|insufficient memory|failed to allocate", re.I)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out; most libraries raise no ``MemoryError`` for it."""
    return isinstance(error, MemoryError) or _MESSAGES.search(str(error)) is not None


def release_freed_memory() -> None:
    """
    Return freed memory that the C library keeps to the system. Does nothing where the library is not glibc.

    OCR allocates a block of another size for each line of text, which fragments memory: without this a process
    grows from scan to scan.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
