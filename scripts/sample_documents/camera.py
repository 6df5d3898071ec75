"""
Simulate the scan or the photo of a paper document.

Each function takes a drawn document and returns the file of a flatbed scanner or a phone's camera. The random numbers
have a fixed seed, so the same document always gives the same bytes.
"""

from __future__ import annotations

import io
import math
import random
from typing import Any

import pymupdf
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

Size = tuple[int, int]


def page_image(page: pymupdf.Page, dpi: int) -> Image.Image:
    """Render one page in colour."""
    pixels = page.get_pixmap(dpi=dpi)
    return Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Write an image as ``JPEG`` or ``PNG``."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def scan(document: pymupdf.Document) -> pymupdf.Document:
    """Scan pages in grey at 150 dpi, slightly rotated and with specks of dust. The PDF has no text layer."""
    chance = random.Random(1)
    scanned = pymupdf.open()
    for page in document.pages():
        image = _scanned(page_image(page, 150).convert("L"), chance)
        sheet = scanned.new_page(width=page.rect.width, height=page.rect.height)
        sheet.insert_image(sheet.rect, stream=encoded(image, "JPEG", quality=55))
    return scanned


def _scanned(image: Image.Image, chance: random.Random) -> Image.Image:
    angle = chance.choice((-1, 1)) * chance.uniform(0.5, 1.0)
    image = image.rotate(angle, Image.Resampling.BICUBIC, fillcolor=236)
    # Toner is not black and paper not white.
    image = image.filter(ImageFilter.GaussianBlur(0.5)).point([40 + value * 206 // 255 for value in range(256)])
    # At the left, the scanner's lid is visible. It is darker towards the edge of the paper.
    shadow = Image.linear_gradient("L").rotate(90).resize((28, image.height)).point([v // 2 for v in range(256)])
    image.paste(150, (0, 0), shadow)
    draw = ImageDraw.Draw(image)
    for _ in range(110):
        x, y, radius = chance.uniform(0, image.width), chance.uniform(0, image.height), chance.choice((0, 0, 1))
        draw.ellipse((x, y, x + radius, y + radius), fill=chance.randint(70, 170))
    return _grain(image, chance, 5)


def photo(document: pymupdf.Document) -> Image.Image:
    """Photograph the first page on a wooden table: rotated, seen at an angle, and lit from one side."""
    chance, size = random.Random(1), (1200, 1800)
    paper = page_image(document[0], 220)
    paper = ImageChops.multiply(paper, _creases(paper.size, chance).convert("RGB"))
    paper = ImageChops.multiply(paper, Image.new("RGB", paper.size, (250, 247, 240)))
    # The dark rim of two pixels makes the edge of the paper smooth.
    mask = ImageOps.expand(Image.new("L", (paper.width - 4, paper.height - 4), 255), 2)
    coefficients = _viewpoint(paper.size, size, turn=3.5, fill=0.88, tilt=0.07)
    paper, mask = (
        image.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
        for image in (paper, mask)
    )
    table = _wood(size, chance)
    shadow = ImageChops.offset(mask, 14, 18).filter(ImageFilter.GaussianBlur(16)).point([v // 2 for v in range(256)])
    table.paste((20, 12, 6), (0, 0), shadow)
    table.paste(paper, (0, 0), mask)
    picture = ImageChops.multiply(table, _light(size).convert("RGB"))
    return _grain(picture.filter(ImageFilter.GaussianBlur(0.7)), chance, 12)


def _viewpoint(paper: Size, size: Size, turn: float, fill: float, tilt: float) -> tuple[float, ...]:
    """
    Return the coefficients of the perspective. With them, Pillow finds the point on the paper for each pixel.

    The paper is in the middle of the picture. It fills the share ``fill`` of the height and is rotated by ``turn``
    degrees. Its right side is farther away than its left side by the share ``tilt``, and its top is farther away than
    its foot by twice this share.
    """
    scale = paper[1] / (size[1] * fill)
    cos, sin = scale * math.cos(math.radians(turn)), scale * math.sin(math.radians(turn))
    g, h = -tilt / size[0], 2 * tilt / size[1]
    middle = 1 + g * size[0] / 2 + h * size[1] / 2
    x, y = paper[0] / 2, paper[1] / 2

    # Relative to the middle: (x + cos u + sin v) / (1 + g' u + h' v); then u, v from the picture's corner.
    g, h = g / middle, h / middle
    a, b, d, e = cos + x * g, sin + x * h, -sin + y * g, cos + y * h
    u, v = size[0] / 2, size[1] / 2
    norm = 1 - g * u - h * v
    rows = (a, b, x - a * u - b * v, d, e, y - d * u - e * v, g, h)
    return tuple(value / norm for value in rows)


def _noise(size: Size, chance: random.Random) -> Image.Image:
    return Image.frombytes("L", size, chance.randbytes(size[0] * size[1]))


def _grain(image: Image.Image, chance: random.Random, strength: int) -> Image.Image:
    """Add the sensor's noise, at most ``strength`` levels of grey up or down."""
    noise = _noise(image.size, chance).point([128 + (value - 128) * strength // 128 for value in range(256)])
    return ImageChops.add(image, noise.convert(image.mode), offset=-128)


def _creases(size: Size, chance: random.Random) -> Image.Image:
    """Shade the paper as if it had been folded into a pocket."""
    waves = _noise((3, 14), chance).resize(size, Image.Resampling.BICUBIC)
    return waves.point([232 + value * 23 // 255 for value in range(256)])


def _wood(size: Size, chance: random.Random) -> Image.Image:
    """Draw the table. Its grain is noise that is stretched along the boards."""
    fine = _noise((size[0] // 3, 9), chance).resize(size, Image.Resampling.BICUBIC)
    broad = _noise((size[0] // 40, 4), chance).resize(size, Image.Resampling.BICUBIC)
    return ImageOps.colorize(Image.blend(fine, broad, 0.6), (84, 52, 30), (176, 122, 78), (132, 86, 52))


def _light(size: Size) -> Image.Image:
    """Return the light, which comes from the upper left and is weaker at the lower right."""
    lamp = Image.radial_gradient("L").resize((size[0] * 3, size[1] * 3), Image.Resampling.BICUBIC)
    left, top = round(size[0] * 1.2), round(size[1] * 1.3)
    lamp = lamp.crop((left, top, left + size[0], top + size[1]))
    return lamp.point([max(min(275 - value * 8 // 10, 255), 0) for value in range(256)])
