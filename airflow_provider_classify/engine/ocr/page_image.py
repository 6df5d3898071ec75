"""A picture of a page, as the OCR models take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

#: Bytes, height x width x 3, blue first: the channel order that the models were trained on.
Pixels: TypeAlias = NDArray[Any]

#: Standard deviation of a thumbnail's greys under which a page is blank: paper and noise.
BLANK_DEVIATION = 1.0
_THUMBNAIL = (64, 64)
#: Ink and paper, as percentiles of the greys; where they are nearer than this the page is faded, ...
_INK, _PAPER, _FADED = 0.1, 90, 100
#: ... and its greys are spread until they are so far from one another.
_CONTRAST = 220
#: Every so many pixels are looked at each way.
_SAMPLE = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of one page."""

    pixels: Pixels

    @classmethod
    def from_rgb(cls, data: bytes, *, width: int, height: int, stride: int | None = None) -> Picture:
        """Take rows of red, green, blue bytes; ``stride`` bytes a row, where rows are padded."""
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
        """Whether nothing is on the page; a page far longer than wide may be rendered to no pixels at all."""
        if not self.pixels.size:
            return True
        thumbnail = cv2.resize(self.pixels, _THUMBNAIL, interpolation=cv2.INTER_AREA)
        return bool(thumbnail.mean(axis=2).std() < BLANK_DEVIATION)

    def with_contrast(self) -> Picture:
        """The picture, its greys spread if it is faded: OCR reads an eighth more of such pages."""
        if not self.pixels.size:
            return self
        ink, paper = np.percentile(self.pixels[::_SAMPLE, ::_SAMPLE].mean(axis=2), (_INK, _PAPER))
        if not 0 < paper - ink < _FADED:
            return self
        spread = _CONTRAST / (paper - ink)
        return Picture(cv2.convertScaleAbs(np.maximum(self.pixels, int(ink)), alpha=spread, beta=-ink * spread))
