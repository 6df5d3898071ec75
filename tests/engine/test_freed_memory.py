from __future__ import annotations

import pytest

from airflow_provider_classify.engine.freed_memory import is_out_of_memory


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("code=2: realloc (84713472 bytes) failed"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"), True),
        (RuntimeError("OpenCV(4) error: (-4:Insufficient memory) Failed to allocate 400 bytes"), True),
        (ValueError("memory of a goldfish"), False),
    ],
)
def test_what_is_out_of_memory(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected
