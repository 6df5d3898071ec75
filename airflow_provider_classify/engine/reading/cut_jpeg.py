"""Read JPEGs whose end is missing, for example after a broken download. Viewers show such files too."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from airflow_provider_classify.engine.reading.document_bytes import Source

#: The most bytes of a JPEG that are read. The largest image that is accepted has fewer.
MAX_JPEG_BYTES = 256 * 1024**2
#: A JPEG is read if it has at least this share of its rows. Missing rows become an even grey.
LEAST_ROWS = 0.4
_END = b"\xff\xd9"


def open_cut_jpeg(source: Source) -> Image.Image | None:
    """
    Open a JPEG that has no end. Its missing rows are grey.

    :returns: the image, or ``None`` if too many rows are missing.
    :raises OSError: it cannot be decoded for another reason.
    """
    image = Image.open(io.BytesIO(source.read(MAX_JPEG_BYTES).rstrip(b"\xff") + _END), formats=("JPEG",))
    image.load()
    rows = np.asarray(image.convert("L"))
    different = np.flatnonzero((rows != rows[-1]).any(axis=1))
    return image if different.size and different[-1] >= LEAST_ROWS * image.height else None
