"""Detect the lines of text in a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from airflow_provider_classify.engine.ocr.models import session
from airflow_provider_classify.engine.ocr.page_image import Pixels
from airflow_provider_classify.engine.ocr.tiles import tiles_of

#: The longest side of the model's input in pixels; its sides are multiples of 32. Smaller inputs lose the small print
#: of forms and e-mails.
DETECTION_SIDE = 736
_MULTIPLE = 32
#: The model returns the probability of each pixel to be in the core of a line. Each pixel of a core has more than the
#: first probability, and their mean is at least the second.
_PIXEL_PROBABILITY, _BOX_PROBABILITY = 0.3, 0.5
#: The box of a line is the box of its core, enlarged on each side by this factor times its area divided by its
#: perimeter.
_GROWTH = 1.6
#: The least thickness of a core in pixels. Thinner cores are not text.
_MIN_CORE = 3
#: The most cores of one input of the model that are examined. Noise could yield more.
_MAX_CORES = 1000
#: A box whose height is more than this many times its width is a line of text turned by 90°.
_SIDEWAYS = 1.4


@dataclass(frozen=True, slots=True)
class TextBox:
    """The place of a line of text: its corners clockwise from the top left, 4 x 2 coordinates in pixels."""

    corners: NDArray[np.float32]

    @property
    def length(self) -> float:
        """The length of the upper edge, in pixels."""
        return float(np.linalg.norm(self.corners[1] - self.corners[0]))

    @property
    def depth(self) -> float:
        """The length of the left edge, in pixels."""
        return float(np.linalg.norm(self.corners[3] - self.corners[0]))

    @property
    def size(self) -> float:
        """The height of the text in pixels, for upright and sideways lines alike."""
        return min(self.length, self.depth)

    @property
    def letters(self) -> float:
        """The number of square letters that fit in the line, for upright and sideways lines alike."""
        return max(self.length, self.depth) / max(1.0, self.size)

    @property
    def middle(self) -> float:
        """The distance of its centre from the top of the picture, in pixels."""
        return float(self.corners[:, 1].mean())

    @property
    def bounds(self) -> NDArray[np.float32]:
        """The upright rectangle around it: x0, y0, x1, y1 in pixels."""
        return np.concatenate([self.corners.min(axis=0), self.corners.max(axis=0)])

    @property
    def is_sideways(self) -> bool:
        """Whether the text runs up or down the page."""
        spread = np.ptp(self.corners, axis=0)
        return bool(spread[1] > _SIDEWAYS * spread[0])


class Detector:
    """The detection model, loaded."""

    def __init__(self, model: Path, *, threads: int) -> None:
        self._session = session(model, threads=threads)
        self._input = self._session.get_inputs()[0].name

    def detect(self, pixels: Pixels) -> list[TextBox]:
        """Return the lines of text in a picture, unordered. A long picture is searched tile by tile."""
        height, width = pixels.shape[:2]
        along = 1 if height >= width else 0  # the coordinate that runs along the longer side
        boxes = []
        for tile in tiles_of(max(height, width), min(height, width)):
            part = pixels[tile.start : tile.end] if along else pixels[:, tile.start : tile.end]
            shift = np.array([0, tile.start] if along else [tile.start, 0], np.float32)
            found = (TextBox(box.corners + shift) for box in self._detect_at_once(part))
            boxes += [box for box in found if tile.owned_from <= box.corners[:, along].mean() < tile.owned_to]
        return boxes

    def _detect_at_once(self, pixels: Pixels) -> list[TextBox]:
        height, width = pixels.shape[:2]
        scale = min(1.0, DETECTION_SIDE / max(height, width))
        small = cv2.resize(
            pixels,
            (_to_multiple(width * scale), _to_multiple(height * scale)),
            interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        )
        probability = self._session.run(None, {self._input: model_input(small)[None]})[0][0, 0]
        ratio = np.array([width / small.shape[1], height / small.shape[0]], np.float32)
        return [TextBox(_clockwise(core) * ratio) for core in _grown_cores(probability)]


def model_input(pixels: Pixels) -> NDArray[np.float32]:
    """Return the pixels as both models take them: channels first, values from -1 to 1."""
    return (pixels.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)


def _to_multiple(side: float) -> int:
    return max(1, round(side / _MULTIPLE)) * _MULTIPLE


def _grown_cores(probability: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """
    Yield the corners of each line.

    :param probability: the probability of each pixel to be in the core of a line.
    """
    mask = cv2.dilate((probability > _PIXEL_PROBABILITY).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours[:_MAX_CORES]:
        centre, (length, depth), angle = cv2.minAreaRect(contour)
        if min(length, depth) < _MIN_CORE:
            continue
        x, y, w, h = cv2.boundingRect(contour)
        inside = mask[y : y + h, x : x + w]
        if (probability[y : y + h, x : x + w] * inside).sum() < _BOX_PROBABILITY * inside.sum():
            continue
        growth = length * depth * _GROWTH / (length + depth)
        yield cv2.boxPoints((centre, (length + growth, depth + growth), angle)).astype(np.float32)


def _clockwise(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Order corners: top left, top right, bottom right, bottom left."""
    sums, differences = corners.sum(axis=1), corners[:, 1] - corners[:, 0]
    order = [sums.argmin(), differences.argmin(), sums.argmax(), differences.argmax()]
    return corners[order]
