"""Create documents as bytes: images of text, PDFs, Office files, and damaged files."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import pymupdf
from PIL import Image, ImageDraw, ImageFont

INVOICE = (
    "INVOICE 2024-17",
    "Bill to: Example Ltd",
    "Total amount due 42.00",
    "Thank you for your business",
    "Payment terms 30 days",
)
RECEIPT = ("RECEIPT", "Cash 20.00", "Change 3.50", "Thank you, come again", "Cashier: Ada")

_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPEN_XML = "http://schemas.openxmlformats.org"


def picture(lines: Sequence[str] = INVOICE, *, size: tuple[int, int] = (800, 1000)) -> Image.Image:
    """Return an image of printed lines on white, the first at the top left."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((60, 60 + 80 * row), line, fill="black", font=ImageFont.load_default(40))
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Return an image as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pdf(*pages: str, **options: Any) -> bytes:
    """Return a PDF with one line of text on each page, 72 points from the left and the top."""
    with pymupdf.open() as document:
        for text in pages:
            document.new_page().insert_text((72, 72), text, fontsize=12)
        return bytes(document.tobytes(**options))


def scanned_pdf(image: Image.Image, stamp: str = "") -> bytes:
    """Return a PDF of one image that fills the page, with a line of text ``stamp`` over it."""
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_image(page.rect, stream=encoded(image))
        page.insert_text((72, 30), stamp, fontsize=8)
        return bytes(document.tobytes())


def text_lines(page: Any, lines: Sequence[str], *, top: float = 80, size: float = 12) -> None:
    """Write lines of text below each other on a page of a PDF."""
    for row, line in enumerate(lines):
        page.insert_text((72, top + 2 * size * row), line, fontsize=size)


def pdf_with_wrong_characters(lines: Sequence[str], change: Callable[[str], str]) -> bytes:
    """Return a PDF that shows lines, with fonts that map each character to another one."""
    with pymupdf.open() as document:
        page = document.new_page()
        writer = pymupdf.TextWriter(page.rect)
        for row, line in enumerate(lines):
            writer.append((72, 100 + 24 * row), line, font=pymupdf.Font("helv"), fontsize=12)
        writer.write_text(page)
        data = document.tobytes()
    with pymupdf.open(stream=data, filetype="pdf") as document:
        for number in range(1, document.xref_length()):
            kind, value = document.xref_get_key(number, "ToUnicode")
            if kind == "xref":
                stream = int(value.split()[0])
                document.update_stream(stream, _changed_map(document.xref_stream(stream).decode(), change).encode())
        return bytes(document.tobytes())


def _changed_map(cmap: str, change: Callable[[str], str]) -> str:
    mapped = {}
    for first, last, start in re.findall(r"<(\w{4})> <(\w{4})> <(\w{4})>", cmap):
        for offset in range(int(last, 16) - int(first, 16) + 1):
            mapped[int(first, 16) + offset] = chr(int(start, 16) + offset)
    head = cmap[: cmap.index("endcodespacerange")] + "endcodespacerange\n"
    entries = [f"<{glyph:04x}> <{ord(change(character)):04x}>" for glyph, character in mapped.items()]
    blocks = [entries[start : start + 100] for start in range(0, len(entries), 100)]
    body = "".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar\n" for block in blocks)
    return head + body + "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"


def pdf_of_glyphs(count: int) -> bytes:
    """Return a small PDF of one page with ``count`` times 40 characters, which takes much time and memory to read."""
    with pymupdf.open() as document:
        page = document.new_page()
        page.insert_text((72, 72), "x")
        line = b"(forty characters of text without an end) Tj 0 1 Td "
        document.update_stream(page.get_contents()[0], b"BT /helv 4 Tf 10 10 Td " + line * count + b" ET")
        return bytes(document.tobytes())


def png_header(width: int, height: int) -> bytes:
    """Return a black and white PNG that claims a size and has hardly any pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def archive(**members: bytes | str) -> bytes:
    """Return a zip file. Two underscores in a member's name stand for a slash, one stands for a dot."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name.replace("__", "/").replace("_", "."), data)
    return file.getvalue()


def docx(*paragraphs: str) -> bytes:
    """Return a Word document with a paragraph for each text."""
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    namespace = f"{_OPEN_XML}/wordprocessingml/2006/main"
    return _office(
        "word/document.xml",
        {
            "word/document.xml": f'<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>',
            "word/_rels/document.xml.rels": _relations({}),
        },
    )


def pptx(*slides: Sequence[str]) -> bytes:
    """Return a presentation with lines for each slide."""
    names = (
        f'xmlns:p="{_OPEN_XML}/presentationml/2006/main" xmlns:a="{_OPEN_XML}/drawingml/2006/main" xmlns:r="{_OFFICE}"'
    )
    listed = "".join(f'<p:sldId id="{256 + n}" r:id="r{n}"/>' for n in range(len(slides)))
    members = {
        "ppt/presentation.xml": f"<p:presentation {names}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>",
        "ppt/_rels/presentation.xml.rels": _relations(
            {f"r{n}": ("slide", f"slides/slide{n}.xml") for n in range(len(slides))}
        ),
    }
    for n, lines in enumerate(slides):
        text = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in lines)
        shape = f"<p:cSld><p:spTree><p:sp><p:txBody>{text}</p:txBody></p:sp></p:spTree></p:cSld>"
        members[f"ppt/slides/slide{n}.xml"] = f"<p:sld {names}>{shape}</p:sld>"
        members[f"ppt/slides/_rels/slide{n}.xml.rels"] = _relations({})
    return _office("ppt/presentation.xml", members)


def _office(main: str, members: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        opened.writestr("[Content_Types].xml", f'<Types xmlns="{_OPEN_XML}/package/2006/content-types"/>')
        opened.writestr("_rels/.rels", _relations({"r0": ("officeDocument", main)}))
        for name, data in members.items():
            opened.writestr(name, data)
    return file.getvalue()


def _relations(targets: dict[str, tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for key, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}">{listed}</Relationships>'
