"""JPEGs whose end is missing, such as of a download that broke off: read as far as they go, as viewers do."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

#: A JPEG is read if this share of its rows is more than the even grey in place of what is missing.
LEAST_ROWS = 0.4
_END = b"\xff\xd9"


def open_cut_jpeg(path: Path) -> Image.Image | None:
    """
    Open a JPEG that has no end; the rows that are missing are even.

    :returns: the image, or ``None`` if too little of it is there.
    :raises OSError: it cannot be decoded for another reason.
    """
    image = Image.open(io.BytesIO(path.read_bytes().rstrip(b"\xff") + _END), formats=("JPEG",))
    image.load()
    rows = np.asarray(image.convert("L"))
    different = np.flatnonzero((rows != rows[-1]).any(axis=1))
    return image if different.size and different[-1] >= LEAST_ROWS * image.height else None
