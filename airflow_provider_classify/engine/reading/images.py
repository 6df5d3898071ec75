"""Open images. OCR reads their pages; each frame of a TIFF, GIF or WebP is a page."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from airflow_provider_classify.engine.ocr import Picture, shared_reader
from airflow_provider_classify.engine.page import Page
from airflow_provider_classify.engine.reading.document_bytes import ReadingOptions, Source
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument
from airflow_provider_classify.engine.reading.pages import first_pages
from airflow_provider_classify.engine.reading.sniffing import Format, is_heif
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentNeedsOcr,
    DocumentTooLarge,
    ExtraNotInstalled,
)

try:
    from PIL import Image, features

    from airflow_provider_classify.engine.reading.cut_jpeg import open_cut_jpeg
    from airflow_provider_classify.engine.reading.image_picture import picture_of
except ImportError as error:
    raise ExtraNotInstalled(
        f"Reading images needs the package {error.name!r}; "
        "install airflow-provider-classify[local] where the tasks run."
    ) from error

#: The most pixels of a frame: 10,000 x 10,000, or A0 at 215 dpi. Decoded, it takes 300 MB.
MAX_PIXELS = 100_000_000
#: The documented formats. Pillow reads many more, and for some of them it starts another program.
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "HEIF", *(("AVIF",) if features.check("avif") else ()))
#: Formats whose frames are pages. In other formats a second frame may be a preview.
_PAGED_FORMATS = frozenset({"TIFF", "GIF", "WEBP"})
#: The errors that Pillow's decoders raise for damaged files.
_DECODER_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, OverflowError, IndexError, TypeError, KeyError, RuntimeError,
)  # fmt: skip


@contextmanager
def open_image(source: Source, options: ReadingOptions) -> Iterator[OpenedDocument]:
    """Open an image; errors as :func:`~airflow_provider_classify.engine.reading.open_document`."""
    if options.ocr == "never":
        raise DocumentNeedsOcr(
            f"The image {source.name!r} can be read by OCR only; set ocr to auto, or leave images out."
        )
    with open_frames(source) as (image, page_count):
        pages = first_pages((_Frame(image, source, n + 1, options) for n in range(page_count)), options.max_pages)
        yield OpenedDocument(kind=Format.IMAGE, page_count=page_count, pages=pages, is_image=page_count == 1)


@contextmanager
def open_frames(source: Source) -> Iterator[tuple[Image.Image, int]]:
    """Open an image. Yield it and the number of its frames that are pages; errors as :func:`open_image`."""
    name = source.name
    if is_heif(source.head()):
        _register_heif()
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
        yield image, _frames(image, name) if image.format in _PAGED_FORMATS else 1


def _register_heif() -> None:
    """Let Pillow open HEIF with a library that only such images need."""
    try:
        import pi_heif
    except ImportError as error:
        raise ExtraNotInstalled(
            "Reading HEIC needs the package 'pi_heif'; install airflow-provider-classify[local] where the tasks run."
        ) from error
    pi_heif.register_heif_opener(thumbnails=False)


@dataclass(frozen=True, slots=True)
class _Frame:
    image: Image.Image
    source: Source
    number: int
    options: ReadingOptions

    def without_ocr(self) -> Page | None:
        picture = self.picture()
        return self._blank(picture) if picture.is_blank() else None

    def _blank(self, picture: Picture) -> Page:
        return Page(self.number, picture.width, picture.height, (), "ocr", is_blank=True)

    def passes(self) -> Iterator[Page]:
        picture = self.picture()
        if picture.is_blank():
            yield self._blank(picture)
            return
        yield from shared_reader(self.options.threads, self.options.ocr_models).passes(picture, self.number)

    def picture(self) -> Picture:
        try:
            self.image.seek(self.number - 1)
            _check_size(self.image, self.source.name)
            return picture_of(self.image, self._decode)
        except Image.DecompressionBombError as error:  # a later frame may be larger than the first
            raise _too_large(self.source.name) from error
        except _DECODER_ERRORS as error:
            cut = _cut_jpeg(self.source) if self.image.format == "JPEG" else None
            if cut is None:
                raise DocumentCorrupt(
                    f"Page {self.number} of the image {self.source.name!r} is damaged or incomplete; fetch it again."
                ) from error
            return picture_of(cut, lambda: cut)

    def _decode(self) -> Image.Image:
        return Image.open(self.source.path_or_file(), formats=("JPEG",)) if self.image.format == "JPEG" else self.image


def _cut_jpeg(source: Source) -> Image.Image | None:
    try:
        return open_cut_jpeg(source)
    except _DECODER_ERRORS:
        return None


def _frames(image: Image.Image, name: str) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except _DECODER_ERRORS as error:
        raise _corrupt(name) from error


def _check_size(image: Image.Image, name: str) -> None:
    """Raise ``DocumentTooLarge`` if the size in the header is above the limit, before a pixel is decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> DocumentTooLarge:
    return DocumentTooLarge(f"The image {name!r} has more than {MAX_PIXELS:,} pixels; give it in a lower resolution.")


def _corrupt(name: str) -> DocumentCorrupt:
    return DocumentCorrupt(f"The image {name!r} is damaged or incomplete; fetch it again.")
