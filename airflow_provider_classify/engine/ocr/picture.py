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
BLANK_DEVIATION = 2.0
_THUMBNAIL = (64, 64)


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
