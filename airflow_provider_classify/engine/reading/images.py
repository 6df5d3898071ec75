"""Images: each frame of a TIFF, GIF or WebP is a page, and is read by OCR."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_provider_classify.engine.ocr import Picture, shared_reader
from airflow_provider_classify.engine.page import OcrMode, Page
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.pages import first_pages
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.engine.reading.source import Source
from airflow_provider_classify.exceptions import DocumentCorrupt, DocumentNeedsOcr, DocumentTooLarge, ExtraNotInstalled

try:
    from PIL import Image, ImageOps
except ImportError as error:
    raise ExtraNotInstalled(
        "Reading images needs Pillow; install airflow-provider-classify[local] where the tasks run."
    ) from error

#: The most pixels of a frame: 10,000 x 10,000, or A0 at 215 dpi. Decoded it fills 300 MB.
MAX_PIXELS = 100_000_000
#: Pixels on the longest side that OCR is given.
OCR_SIDE = 1400
#: Pillow reads many more; these are the documented ones, and none of them starts another program.
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")
#: Formats whose frames are pages. Others may hold a preview beside the picture.
_PAGED_FORMATS = frozenset({"TIFF", "GIF", "WEBP"})
#: What Pillow's decoders raise for damaged files.
_DECODER_ERRORS = (OSError, ValueError, SyntaxError, EOFError, OverflowError, IndexError, TypeError, KeyError)


@contextmanager
def open_image(source: Source, *, max_pages: int, threads: int | None, ocr: OcrMode) -> Iterator[OpenedDocument]:
    """Open an image; errors as :func:`~airflow_provider_classify.engine.reading.open_document`."""
    name = source.name
    if ocr == "never":
        raise DocumentNeedsOcr(f"The image {name!r} can be read by OCR only; set ocr to auto, or leave images out.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(source.path_or_file(), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_large(name) from error
    except _DECODER_ERRORS as error:
        raise _corrupt(name) from error
    with image:
        _check_size(image, name)
        page_count = _frames(image, name) if image.format in _PAGED_FORMATS else 1
        pages = first_pages((_Frame(image, n + 1, name, threads) for n in range(page_count)), max_pages)
        yield OpenedDocument(kind=Format.IMAGE, page_count=page_count, pages=pages, is_image=page_count == 1)


@dataclass(frozen=True, slots=True)
class _Frame:
    image: Image.Image
    number: int
    name: str
    threads: int | None

    def passes(self) -> Iterator[Page]:
        picture = self._picture()
        if picture.is_blank():
            yield Page(self.number, picture.width, picture.height, (), "ocr", is_blank=True)
            return
        yield from shared_reader(self.threads).passes(picture, self.number)

    def _picture(self) -> Picture:
        try:
            self.image.seek(self.number - 1)
            _check_size(self.image, self.name)
            # JPEG decodes to a half, quarter or eighth at a fraction of the cost; no effect on others.
            self.image.draft("RGB", (OCR_SIDE, OCR_SIDE))
            upright = ImageOps.exif_transpose(_shrunk(self.image))
        except Image.DecompressionBombError as error:  # a later frame may be larger than the first
            raise _too_large(self.name) from error
        except _DECODER_ERRORS as error:
            raise DocumentCorrupt(
                f"Page {self.number} of the image {self.name!r} is damaged or incomplete; fetch it again."
            ) from error
        return Picture.from_rgb(upright.tobytes(), width=upright.width, height=upright.height)


def _shrunk(image: Image.Image) -> Image.Image:
    """The frame as RGB on white, its longest side at most ``OCR_SIDE``; EXIF stays with it."""
    scale = min(1.0, OCR_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    exif = image.getexif()
    if image.mode == "1":  # fax: grey after shrinking
        image = image.convert("L")
    elif image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _eight_bit(image)
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGBA")
    small = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0) if scale < 1 else image
    if small.mode == "RGBA":
        small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
    small = small.convert("RGB")
    small.getexif().update(exif)
    return small


def _eight_bit(image: Image.Image) -> Image.Image:
    """16-bit and floating-point greys, stretched from their darkest to their lightest."""
    grey = image.convert("F")
    extrema = grey.getextrema()
    assert isinstance(extrema[0], float)
    low, high = extrema
    return grey.point(lambda value: (value - low) * (255.0 / max(1e-6, high - low))).convert("L")


def _frames(image: Image.Image, name: str) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except _DECODER_ERRORS as error:
        raise _corrupt(name) from error


def _check_size(image: Image.Image, name: str) -> None:
    """Compare the header's size with the limit before a pixel is decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> DocumentTooLarge:
    return DocumentTooLarge(f"The image {name!r} has more than {MAX_PIXELS:,} pixels; give it in a lower resolution.")


def _corrupt(name: str) -> DocumentCorrupt:
    return DocumentCorrupt(f"The image {name!r} is damaged or incomplete; fetch it again.")
