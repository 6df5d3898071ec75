"""Memory: giving it back, and telling "not enough of it" from all else that libraries raise."""

from __future__ import annotations

import ctypes
import re

#: MuPDF, onnxruntime and OpenCV, in this order.
_WORDS = re.compile(r"[mc]?alloc \([^)]*\) failed|bad.?alloc|insufficient memory|failed to allocate", re.I)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; most libraries raise no ``MemoryError`` for it."""
    return isinstance(error, MemoryError) or _WORDS.search(str(error)) is not None


def give_back_memory() -> None:
    """
    Return what the C library keeps of freed memory to the system, where it can (glibc).

    OCR allocates pieces of a size of their own for each line, which leave holes: over 105 scans a process
    grew to 525 to 565 MB, and with this between two of them to 452 MB.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
