"""Read JPEGs whose end is missing, such as after a broken download, up to the missing part, as viewers do."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from airflow_provider_classify.engine.reading.source import Source

#: The most bytes of a JPEG that are read: more than a JPEG of the most pixels has.
MAX_JPEG_BYTES = 256 * 1024**2
#: A JPEG is read if this share of its rows is more than the even grey in place of what is missing.
LEAST_ROWS = 0.4
_END = b"\xff\xd9"


def open_cut_jpeg(source: Source) -> Image.Image | None:
    """
    Open a JPEG that has no end. Its missing rows are grey.

    :returns: the image, or ``None`` if too little of it is there.
    :raises OSError: it cannot be decoded for another reason.
    """
    image = Image.open(io.BytesIO(source.read(MAX_JPEG_BYTES).rstrip(b"\xff") + _END), formats=("JPEG",))
    image.load()
    rows = np.asarray(image.convert("L"))
    different = np.flatnonzero((rows != rows[-1]).any(axis=1))
    return image if different.size and different[-1] >= LEAST_ROWS * image.height else None
