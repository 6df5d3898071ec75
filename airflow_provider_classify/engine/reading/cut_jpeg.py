"""JPEGs whose end is missing, such as of a download that broke off: read as far as they go, as viewers do."""

from __future__ import annotations

import io

from PIL import Image, ImageChops

from airflow_provider_classify.engine.reading.source import Source

#: Bytes of a JPEG that are read: more than one of the most pixels has.
MAX_JPEG_BYTES = 256 * 1024**2
#: A JPEG is read if this share of its rows can be decoded.
LEAST_ROWS = 0.5
_END = b"\xff\xd9"
#: Data in place of what is missing: it decodes to noise.
_NOISE = bytes(range(1, 255)) * 400


def open_cut_jpeg(source: Source) -> Image.Image | None:
    """
    Open a JPEG that has no end; the rows that are missing are grey.

    :returns: the image, or ``None`` if more of it is missing than is there.
    :raises OSError: it cannot be decoded for another reason.
    """
    data = source.read(MAX_JPEG_BYTES)
    image = _decoded(data + _END)
    # What noise at the end changes is not in the file.
    changed = ImageChops.difference(image.convert("L"), _decoded(data + _NOISE + _END).convert("L")).getbbox()
    rows = changed[1] if changed else image.height
    return image if rows >= LEAST_ROWS * image.height else None


def _decoded(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.load()
    return image
