"""
Open regular files only.

Opening a named pipe waits for a writer. Reading a device may never end, or may change the state of the device.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from airflow_provider_classify.exceptions import DocumentNotAFile

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def require_regular_file(path: Path, label: str) -> None:
    """
    Raise an error unless ``path`` is a regular file or a link to one.

    :param label: names the document in errors.
    :raises DocumentNotAFile: the path is a folder, named pipe, socket or device.
    :raises OSError: the path does not exist or cannot be inspected.
    """
    _require_regular(path.stat().st_mode, label)


def open_regular_file(path: Path, label: str) -> BinaryIO:
    """
    Open a regular file for reading.

    :param label: names the document in errors.
    :raises DocumentNotAFile: as :func:`require_regular_file`.
    :raises OSError: the file cannot be opened.
    """
    require_regular_file(path, label)
    # A named pipe may have replaced the file meanwhile. O_NONBLOCK opens it without waiting.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _require_regular(os.fstat(descriptor).st_mode, label)
        return open(path, "rb", opener=lambda *_: descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def _require_regular(mode: int, label: str) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise DocumentNotAFile(
            f"The document {label} is a folder; name one file, or give the folder to a ClassifyBatchOperator."
        )
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "not a regular file")
    raise DocumentNotAFile(f"The document {label} is {kind}; write its content to a file and name that.")
