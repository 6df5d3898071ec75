"""Telling "not enough memory" from all else that libraries raise."""

from __future__ import annotations

import re

#: MuPDF, onnxruntime and OpenCV, in this order.
_WORDS = re.compile(r"[mc]?alloc \([^)]*\) failed|bad.?alloc|insufficient memory|failed to allocate", re.I)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; most libraries raise no ``MemoryError`` for it."""
    return isinstance(error, MemoryError) or _WORDS.search(str(error)) is not None
