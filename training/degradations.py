"""Degrade pictures of pages as scanners, photocopiers, faxes and phones do."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

#: A page in greys: height x width.
Pixels = NDArray[np.uint8]


def clean(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return the page as it is."""
    return page


def skewed(page: Pixels, random: np.random.Generator) -> Pixels:
    """Turn the page by 3 to 5 degrees, like a sheet that lies askew on the scanner."""
    return turned(page, random.choice([-1, 1]) * random.uniform(3, 5))


def photocopy(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return a copy of a copy, with letters that run together, dust and a dark edge."""
    blurred = cv2.GaussianBlur(turned(page, random.uniform(-1, 1)), (0, 0), scale_of(page) * 1.6)
    copy = np.where(blurred < 205, 20, 250).astype(np.uint8)
    copy[:, : int(0.02 * page.shape[1])] = 30
    return speckled(copy, random, 0.002)


def fax(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return the page in black and white at about 100 dots per inch, with some lost lines."""
    height, width = page.shape
    small = reduced(turned(page, random.uniform(-1, 1)), 1100)
    bits = np.where(small < 170, 0, 255).astype(np.uint8)
    bits[random.integers(0, len(bits), 3)] = 255
    return speckled(cv2.resize(bits, (width, height), interpolation=cv2.INTER_NEAREST), random, 0.001)


def low_resolution(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return the page at 65 dots per inch. It becomes a JPEG of low quality; see ``JPEG_QUALITY``."""
    return reduced(page, 760)


def faded(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return the page in pale print on grey paper, out of focus."""
    pale = 140 + 0.3 * cv2.GaussianBlur(page, (0, 0), scale_of(page) * 1.8).astype(np.float32)
    return np.clip(pale + random.normal(0, 7, page.shape), 0, 255).astype(np.uint8)


def photograph(page: Pixels, random: np.random.Generator) -> Pixels:
    """Return a phone's photograph: from an angle, on a dark table, with a shadow and noise."""
    height, width = page.shape
    edge = int(0.08 * max(height, width))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    seen = corners + edge + random.uniform(-0.6, 0.6, (4, 2)).astype(np.float32) * edge
    transform = cv2.getPerspectiveTransform(corners, seen)
    size = (width + 2 * edge, height + 2 * edge)
    table = cv2.warpPerspective(page, transform, size, borderMode=cv2.BORDER_CONSTANT, borderValue=60)
    shadow = np.linspace(1.0, 0.35, size[0], dtype=np.float32)[None] * np.linspace(0.9, 0.7, size[1])[:, None]
    noisy = cv2.GaussianBlur(table, (0, 0), scale_of(page) * 1.8) * shadow + random.normal(0, 8, table.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


#: The degradations by name. Each takes a page and a source of random numbers.
DEGRADATIONS: dict[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "clean": clean,
    "skewed": skewed,
    "photocopy": photocopy,
    "fax": fax,
    "low resolution": low_resolution,
    "faded": faded,
    "photograph": photograph,
}
#: The quality of the JPEG that a degraded page becomes, from 0 to 100; other degradations need none.
JPEG_QUALITY = {"low resolution": 25, "photograph": 60}


def scale_of(page: Pixels) -> float:
    """Return the page's longer side divided by that of A4 at 200 dots per inch."""
    return max(page.shape) / 2339


def reduced(page: Pixels, side: int) -> Pixels:
    """Return the page with at most this many pixels on its longer side."""
    scale = min(1.0, side / max(page.shape))
    return cv2.resize(page, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8)


def turned(page: Pixels, degrees: float) -> Pixels:
    """Return the page turned counterclockwise, on white."""
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(page, matrix, (width, height), borderMode=cv2.BORDER_CONSTANT, borderValue=255).astype(
        np.uint8
    )


def speckled(page: Pixels, random: np.random.Generator, share: float) -> Pixels:
    """Return the page with specks of two by two dots."""
    specks = random.random((page.shape[0] // 2, page.shape[1] // 2)) < share
    spread = cv2.resize(specks.astype(np.uint8), page.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.where(spread == 1, 0, page).astype(np.uint8)
