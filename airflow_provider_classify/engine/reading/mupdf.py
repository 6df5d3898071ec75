"""PDF, DOCX, PPTX and HTML through PyMuPDF: the text layer, or OCR where there is none worth the name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_classify.engine.memory import is_out_of_memory
from airflow_provider_classify.engine.page import Line, OcrMode, Page
from airflow_provider_classify.engine.reading.lines import joined
from airflow_provider_classify.engine.reading.opened_document import OpenedDocument, PageReading
from airflow_provider_classify.engine.reading.quality import (
    amount_of_text,
    better_reading,
    can_be_read_by_ocr,
    is_legible,
    is_readable,
)
from airflow_provider_classify.engine.reading.sniffing import Format
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEmpty,
    DocumentEncrypted,
    ExtraNotInstalled,
)

try:
    import pymupdf
except ImportError as error:
    raise ExtraNotInstalled(
        "Reading documents needs PyMuPDF; install airflow-provider-classify[local] where the tasks run."
    ) from error

if TYPE_CHECKING:
    from airflow_provider_classify.engine.ocr import Picture

# Damage is reported by exceptions; printed as well, it would fill the task's log.
pymupdf.TOOLS.mupdf_display_errors(False)
pymupdf.TOOLS.mupdf_display_warnings(False)

#: Without the image flag: extracting images takes five times as long as the text.
TEXT_FLAGS = pymupdf.TEXT_PRESERVE_WHITESPACE | pymupdf.TEXT_MEDIABOX_CLIP
#: Pixels on the longest side of a rendered page: 120 dpi on A4, whatever size the page claims.
RENDER_SIDE = 1400
#: HTML beyond this is cut off before layout, which costs half a second per megabyte.
MAX_HTML_BYTES = 2 * 1024**2
#: Text only in this share of the page's height, at its head and foot, and a picture over this share of the page:
#: the page is a scan, and the text what a scanner or an archive stamped on it.
STAMP_MARGIN, STAMP_PICTURE = 0.1, 0.6
#: Of a page of small print OCR reads less than this share of what an earlier one did, as its lines are too many.
LEAST_OF_EARLIER = 0.5
#: Layout of what has no pages of its own, in points: a slide for PPTX, else A4.
_SLIDE, _SHEET = {"width": 720, "height": 540}, {"width": 595, "height": 842}
#: PyMuPDF raises its own errors as RuntimeError, MuPDF's as they come; where a damaged file has fewer pages than it
#: says, IndexError or ValueError.
_MUPDF_ERRORS = (RuntimeError, ValueError, IndexError, pymupdf.mupdf.FzErrorBase)


@contextmanager
def open_with_mupdf(
    path: Path, kind: Format, *, name: str, max_pages: int, threads: int | None, ocr: OcrMode
) -> Iterator[OpenedDocument]:
    """Open a document of ``kind``; errors as :func:`~airflow_provider_classify.engine.reading.open_document`."""
    try:
        # HTML as a stream, because from a path MuPDF would also open the files that it links to.
        source: dict[str, Any] = {"stream": _head(path)} if kind is Format.HTML else {"filename": str(path)}
        opened = pymupdf.open(**source, filetype=kind.value, **(_SLIDE if kind is Format.PPTX else _SHEET))
    except _MUPDF_ERRORS as error:
        raise _damage(error, f"The document {name!r}") from error
    with opened:
        if opened.needs_pass:
            raise DocumentEncrypted(f"The document {name!r} asks for a password; save it without one.")
        try:
            page_count = min(opened.page_count, max_pages)
        except _MUPDF_ERRORS as error:
            raise _damage(error, f"The document {name!r}") from error
        if page_count == 0:
            if opened.is_repaired:
                raise DocumentCorrupt(f"The document {name!r} has lost its pages; fetch it again.")
            raise DocumentEmpty(f"The document {name!r} has no pages; check how it was made.")
        mode = "auto" if ocr == "always" and kind is not Format.PDF else ocr
        pages: Iterator[PageReading] = (_MupdfPage(opened, n + 1, name, threads, mode) for n in range(page_count))
        yield OpenedDocument(kind=kind, page_count=page_count, pages=pages)


@dataclass(frozen=True, slots=True)
class _MupdfPage:
    document: Any
    number: int
    name: str
    threads: int | None
    ocr: OcrMode

    def passes(self) -> Iterator[Page]:
        with self._damage_named():
            page = self.document[self.number - 1]
            text = _text_layer(page, self.number)
            is_wanted = self.ocr == "always" or (self.ocr == "auto" and _needs_ocr(page, text))
            picture = _render(page) if is_wanted else None
        if picture is None:
            yield text
            if self.ocr == "never":
                return
            yield from self._read_again(page, text)
            return
        if picture.is_blank():
            if self.document.is_repaired and not text.lines:
                raise DocumentCorrupt(
                    f"Page {self.number} of the document {self.name!r} is lost: the file is damaged or incomplete; "
                    "fetch it again."
                )
            yield text
            return
        from airflow_provider_classify.engine.ocr import shared_reader

        for read in shared_reader(self.threads).passes(picture, self.number):
            yield better_reading(text, read)

    def _read_again(self, page: Any, earlier: Page) -> Iterator[Page]:
        """The page by OCR where its text is that of an earlier OCR, and that is no longer."""
        with self._damage_named():
            if not can_be_read_by_ocr(earlier) or not is_earlier_ocr(page):
                return
            picture = _render(page)
        if picture.is_blank():
            return
        from airflow_provider_classify.engine.ocr import shared_reader

        *_, read = shared_reader(self.threads).passes(picture, self.number)
        if amount_of_text(read) >= LEAST_OF_EARLIER * amount_of_text(earlier):
            yield read

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except _MUPDF_ERRORS as error:
            raise _damage(error, f"Page {self.number} of the document {self.name!r}") from error


def _text_layer(page: Any, number: int) -> Page:
    """The lines of the page's text layer, in the order in which the file has them."""
    width, height = max(1.0, page.rect.width), max(1.0, page.rect.height)
    # Text comes in the coordinates of the page before its rotation.
    rotation = page.rotation_matrix if page.rotation else None
    pieces = []
    for block in page.get_text("dict", flags=TEXT_FLAGS)["blocks"]:
        for line in block.get("lines", ()):
            text = "".join(span["text"] for span in line["spans"]).strip()
            if not text:
                continue
            x0, y0, x1, y1 = line["bbox"] if rotation is None else pymupdf.Rect(line["bbox"]) * rotation
            size = max(span["size"] for span in line["spans"])
            pieces.append(Line(text, size, x0, y0, x1, y1))
    lines = (
        Line(line.text, line.size, line.x0 / width, line.y0 / height, line.x1 / width, line.y1 / height)
        for line in joined(pieces)
    )
    return Page(number, width, height, tuple(lines), "text_layer")


def _needs_ocr(page: Any, text: Page) -> bool:
    """Whether the text layer is not what the page shows: none, glyphs, a stamp on a picture, or a bad reading of it."""
    if not is_readable(text):
        return True
    is_bad = not is_legible(text) and can_be_read_by_ocr(text)
    return (_is_in_margin(text) or is_bad) and _is_picture(page)


def _is_in_margin(text: Page) -> bool:
    return not any(line.y1 > STAMP_MARGIN and line.y0 < 1 - STAMP_MARGIN for line in text.lines)


def _is_picture(page: Any) -> bool:
    """Whether a picture covers the page."""
    # Like text, pictures come in the coordinates of the page before its rotation.
    pictures = (pymupdf.Rect(i["bbox"]) * page.rotation_matrix & page.rect for i in page.get_image_info())
    return any(picture.get_area() > STAMP_PICTURE * page.rect.get_area() for picture in pictures)


def is_earlier_ocr(page: Any) -> bool:
    """Whether the text is not to be seen: another program's reading of a scan, invisible above it or hidden below."""
    # At 72 dots an inch, less than any scan has, the page's pictures would not fill it; asking this costs a tenth.
    if sum(width * height for _, _, width, height, *_ in page.get_images()) < page.rect.get_area():
        return False
    hidden = visible = 0
    for kind, box in page.get_bboxlog():
        if kind == "fill-image" and pymupdf.Rect(box).get_area() > STAMP_PICTURE * page.rect.get_area():
            hidden, visible = hidden + visible, 0
        elif kind == "ignore-text":
            hidden += 1
        elif kind.endswith("-text"):
            visible += 1
    return hidden > visible


def _render(page: Any) -> Picture:
    from airflow_provider_classify.engine.ocr import Picture

    zoom = RENDER_SIDE / max(1.0, page.rect.width, page.rect.height)
    pixels = page.get_pixmap(matrix=pymupdf.Matrix(zoom, zoom), colorspace=pymupdf.csRGB, alpha=False)
    return Picture.from_rgb(pixels.samples, width=pixels.width, height=pixels.height, stride=pixels.stride)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_HTML_BYTES)


def _damage(error: Exception, what: str) -> Exception:
    """What a MuPDF error means; memory that ran out is no fault of the file."""
    if is_out_of_memory(error):
        return MemoryError(str(error))
    return DocumentCorrupt(f"{what} is damaged or incomplete; fetch it again, or save it anew in its application.")
