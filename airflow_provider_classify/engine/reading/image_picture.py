"""Turn a decoded image into the picture that OCR reads: upright, in RGB, and at a readable scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageChops

from airflow_provider_classify.engine.ocr import Picture, reading_scale
from airflow_provider_classify.engine.page import WHOLE_PAGE, Region

#: A closer picture of a region is made if its scale is at least this many times the scale of the first picture.
CLOSER_FROM = 1.2
#: Backgrounds for a transparent image.
_GROUNDS = ("white", "black", "#808080")
#: A background fits if at least this share of the ink differs from it by at least this many greys.
_INK_SEEN, _CONTRAST = 0.9, 60
_ORIENTATION_TAG = 0x0112


class _Turn(NamedTuple):
    """
    The turn that makes an image upright.

    ``stored`` returns the place of a region of the upright image in the image as the file stores it.
    """

    method: Image.Transpose
    stored: Callable[[Region], Region]


#: The turns by the value of EXIF's orientation. An image with the value 1 is upright.
_TURNS = {
    2: _Turn(Image.Transpose.FLIP_LEFT_RIGHT, lambda r: Region(1 - r.x1, r.y0, 1 - r.x0, r.y1)),
    3: _Turn(Image.Transpose.ROTATE_180, lambda r: Region(1 - r.x1, 1 - r.y1, 1 - r.x0, 1 - r.y0)),
    4: _Turn(Image.Transpose.FLIP_TOP_BOTTOM, lambda r: Region(r.x0, 1 - r.y1, r.x1, 1 - r.y0)),
    5: _Turn(Image.Transpose.TRANSPOSE, lambda r: Region(r.y0, r.x0, r.y1, r.x1)),
    6: _Turn(Image.Transpose.ROTATE_270, lambda r: Region(r.y0, 1 - r.x1, r.y1, 1 - r.x0)),
    7: _Turn(Image.Transpose.TRANSVERSE, lambda r: Region(1 - r.y1, 1 - r.x1, 1 - r.y0, 1 - r.x0)),
    8: _Turn(Image.Transpose.ROTATE_90, lambda r: Region(1 - r.y1, r.x0, 1 - r.y0, r.x1)),
}


def picture_of(image: Image.Image, decode: Callable[[], Image.Image]) -> Picture:
    """
    Return the picture of an image.

    :param image: the opened image, at the frame to read.
    :param decode: opens the same frame again. This gives more detail if a JPEG was decoded at a reduced size.
    """
    width, height = image.size
    turn = _TURNS.get(image.getexif().get(_ORIENTATION_TAG, 1))
    scale = min(1.0, reading_scale(width, height))

    def closer(region: Region) -> Picture | None:
        part = turn.stored(region) if turn else region
        wide, high = (part.x1 - part.x0) * width, (part.y1 - part.y0) * height
        closer_scale = min(1.0, reading_scale(wide, high))
        if closer_scale < CLOSER_FROM * scale:
            return None
        return _scaled(decode(), part, (round(wide * closer_scale), round(high * closer_scale)), turn)

    picture = _scaled(image, WHOLE_PAGE, (round(width * scale), round(height * scale)), turn)
    return picture if scale * CLOSER_FROM > 1 else Picture(picture.pixels, closer)


def _scaled(image: Image.Image, part: Region, size: tuple[int, int], turn: _Turn | None) -> Picture:
    """Return a part of an image in about ``size`` pixels, turned upright."""
    wanted = max(1, size[0]), max(1, size[1])
    # A JPEG can be decoded at a half, a quarter or an eighth of its size in less time. Other formats ignore this.
    image.draft("RGB", (round(wanted[0] / (part.x1 - part.x0)), round(wanted[1] / (part.y1 - part.y0))))
    box = part.x0 * image.width, part.y0 * image.height, part.x1 * image.width, part.y1 * image.height
    upright = _on_paper(_shrunk(image, (round(box[0]), round(box[1]), round(box[2]), round(box[3])), wanted))
    if turn:
        upright = upright.transpose(turn.method)
    return Picture.from_rgb(upright.tobytes(), width=upright.width, height=upright.height)


def _shrunk(image: Image.Image, box: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
    """Return the part of an image in ``box`` as grey, RGB or RGBA, shrunk to ``size`` if it is larger."""
    if box != (0, 0, *image.size):
        image = image.crop(box)
    if image.mode == "1":  # a fax becomes grey when it is shrunk
        image = image.convert("L")
    elif image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _eight_bit(image)
    elif image.mode not in ("L", "RGB") or "transparency" in image.info:
        image = image.convert("RGBA")
    if image.width > size[0] or image.height > size[1]:
        return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return image


def _on_paper(image: Image.Image) -> Image.Image:
    """Return the image in RGB. A transparent image gets the first background on which its ink is visible."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    opacity = image.getchannel("A")
    if opacity.getextrema()[0] == 255:
        return image.convert("RGB")
    grounds = (Image.new("RGBA", image.size, ground) for ground in _GROUNDS)
    shown = [Image.alpha_composite(ground, image).convert("RGB") for ground in grounds]
    is_ink = opacity.point(lambda value: 255 if value > 127 else 0)
    for ground, result in zip(_GROUNDS, shown, strict=True):
        difference = ImageChops.difference(result, Image.new("RGB", image.size, ground)).convert("L")
        histogram = difference.histogram(is_ink)
        if sum(histogram[_CONTRAST:]) >= _INK_SEEN * sum(histogram):
            return result
    return shown[0]


def _eight_bit(image: Image.Image) -> Image.Image:
    """Return 16-bit or floating-point greys in 8 bits, stretched so that the darkest is 0 and the lightest 255."""
    grey = image.convert("F")
    extrema = grey.getextrema()
    assert isinstance(extrema[0], float)
    low, high = extrema
    return grey.point(lambda value: (value - low) * (255.0 / max(1e-6, high - low))).convert("L")
