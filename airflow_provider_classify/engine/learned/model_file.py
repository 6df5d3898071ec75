"""Read the file of a learned model, and compute its version."""

from __future__ import annotations

import hashlib
from pathlib import Path

from airflow_provider_classify.exceptions import ModelNotUsable

#: The file of the model of this package.
SHIPPED = Path(__file__).with_name("model.npz")


def read_model_file(path: Path | None = None) -> tuple[bytes, str]:
    """
    Return the content of a model's file, and its version. The version is a hash of the content.

    :param path: the file; the model of this package if None.
    :raises ModelNotUsable: the file cannot be read.
    """
    path = path or SHIPPED
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelNotUsable(
            f"The model {str(path)!r} cannot be read ({error.strerror}); name a file that make train has written in "
            "[classify] model or --model."
        ) from error
    return content, hashlib.sha256(content).hexdigest()[:12]
