"""Represent the picture of a page in the form that the OCR models take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.learned import looks
from airflow_provider_classify.engine.learned.looks import Look, look_of
from airflow_provider_classify.engine.page import Region

#: Bytes, height x width x 3, blue first: the channel order that the models take.
Pixels: TypeAlias = NDArray[Any]

#: A page is blank if the standard deviation of its thumbnail's greys, of 256, is lower than this.
BLANK_DEVIATION = 1.0
_THUMBNAIL = (64, 64)
#: The margin of the thumbnail, in pixels. A scan may show punch holes, dark edges and shadows there.
_EDGE = 6
#: The percentiles of the greys that are ink and paper. A page is faded if their greys, of 256, differ by less than the
#: third value.
_INK, _PAPER, _FADED = 0.1, 90, 100
#: The greys of a faded page are spread until ink and paper differ by this value.
_CONTRAST = 220
#: The greys are measured on every fourth pixel each way.
_SAMPLE = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """
    The picture of one page, or of a region of it.

    :param closer: returns a picture of a region in a higher resolution, for small print. It is ``None``, or returns
        ``None``, if no higher resolution is available.
    """

    pixels: Pixels
    closer: Callable[[Region], Picture | None] | None = None

    @classmethod
    def from_rgb(cls, data: bytes, *, width: int, height: int, stride: int | None = None) -> Picture:
        """Return a picture from rows of red, green, blue bytes; ``stride`` is the bytes of a row if rows are padded."""
        rows = np.frombuffer(data, np.uint8).reshape(height, stride or width * 3)[:, : width * 3]
        return cls(np.ascontiguousarray(rows.reshape(height, width, 3)[:, :, ::-1]))

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    def is_blank(self) -> bool:
        """Return whether the page shows nothing. The picture of a very long, narrow page may have no pixels at all."""
        if not self.pixels.size:
            return True
        return bool(self._thumbnail().std() < BLANK_DEVIATION)

    def is_blank_inside(self) -> bool:
        """Return whether the page shows nothing except at its edges, where a scanner may leave shadows."""
        if not self.pixels.size:
            return True
        return bool(self._thumbnail()[_EDGE:-_EDGE, _EDGE:-_EDGE].std() < BLANK_DEVIATION)

    def look(self) -> Look | None:
        """Return what the page looks like; None for a page without pixels."""
        if not self.pixels.size:
            return None
        small = cv2.resize(self.pixels, (looks.WIDTH, looks.HEIGHT), interpolation=cv2.INTER_AREA)
        return look_of(small[:, :, ::-1])

    def _thumbnail(self) -> Pixels:
        """Return the greys of a small copy."""
        thumbnail: Pixels = cv2.resize(self.pixels, _THUMBNAIL, interpolation=cv2.INTER_AREA).mean(axis=2)
        return thumbnail

    def with_contrast(self) -> Picture:
        """Return the picture with its greys spread if it is faded."""
        if not self.pixels.size:
            return self
        ink, paper = np.percentile(self.pixels[::_SAMPLE, ::_SAMPLE].mean(axis=2), (_INK, _PAPER))
        if not 0 < paper - ink < _FADED:
            return self
        spread = _CONTRAST / (paper - ink)
        pixels = cv2.convertScaleAbs(np.maximum(self.pixels, int(ink)), alpha=spread, beta=-ink * spread)
        return replace(self, pixels=pixels)
