"""Create malicious documents: small files that take very long or much memory to read, or that name other files."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence

from PIL import ImageOps

from tests.support import paper

LINE = "Invoice number 7, bill to Example Ltd, total amount due 42.00, payment terms 30 days"
TEXT = b"BT /F 12 Tf 50 700 Td (%s) Tj ET" % LINE.encode()
FONT = b"<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
#: A line and a rectangle: ink without text.
DRAWING = b"0 0 m 400 400 l S 10 10 100 100 re f"


def pdf_of_objects(objects: Sequence[bytes]) -> bytes:
    """Return a PDF of these objects, numbered from 1. The first is its catalogue."""
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(
        b"%010d 00000 n \n" % p for p in places
    )
    return body + table + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(body))


def stream(data: bytes, fields: bytes = b"") -> bytes:
    """Return a stream as an object of a PDF."""
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (fields, len(data), data)


def page(
    content: bytes = stream(TEXT),
    *more: bytes,
    box: bytes = b"0 0 595 842",
    resources: bytes = FONT,
    catalogue: bytes = b"",
    fields: bytes = b"",
) -> bytes:
    """Return a PDF of one page; ``more`` are its objects from number 5."""
    return pdf_of_objects(
        [
            b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources%s%s>>" % (box, resources, fields),
            content,
            *more,
        ]
    )


def pdf_of_pages(count: int) -> bytes:
    """Return a PDF of ``count`` pages with the same text."""
    kids = b" ".join(b"%d 0 R" % number for number in range(4, 4 + count))
    leaf = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 3 0 R/Resources%s>>" % FONT
    pages = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)
    return pdf_of_objects([b"<</Type/Catalog/Pages 2 0 R>>", pages, stream(TEXT), *[leaf] * count])


def page_tree(depth: int) -> bytes:
    """Return a PDF whose one page lies under ``depth`` nested page tree nodes."""
    inner = [b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % number for number in range(3, 3 + depth)]
    return pdf_of_objects([b"<</Type/Catalog/Pages 2 0 R>>", *inner, b"<</Type/Page/MediaBox[0 0 595 842]>>"])


def nested_forms(depth: int, times: int) -> bytes:
    """Return a page of nested drawings, each of which shows the next ``times`` times: ``times ** depth`` in all."""
    forms = []
    for level in range(depth):
        is_last = level == depth - 1
        resources = FONT if is_last else b"<</XObject<</X %d 0 R>>>>" % (6 + level)
        fields = b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources%s" % resources
        forms.append(stream(TEXT if is_last else b"/X Do " * times, fields))
    return page(stream(b"/X Do"), *forms, resources=b"<</XObject<</X 5 0 R>>>>")


def form_within_itself() -> bytes:
    """Return a page with a drawing that shows itself."""
    resources = b"<</XObject<</X 5 0 R>>>>"
    form = stream(b"/X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources" + resources)
    return page(stream(b"/X Do"), form, resources=resources)


def pdf_image(side: int) -> bytes:
    """Return a page with an image that claims ``side`` x ``side`` pixels and has only a few bytes of them."""
    fields = (
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB/Filter/FlateDecode"
    )
    image = stream(zlib.compress(bytes(100_000)), fields % (side, side))
    return page(stream(b"595 0 0 842 0 0 cm /I Do"), image, resources=b"<</XObject<</I 5 0 R>>>>")


def packed_three_times(size: int) -> bytes:
    """Return a page whose content is ``size`` spaces, compressed three times."""
    data = zlib.compress(zlib.compress(zlib.compress(b" " * size, 9), 9), 9)
    return page(stream(data, b"/Filter[/FlateDecode/FlateDecode/FlateDecode]"))


def png_with_bomb(kind: bytes, size: int) -> bytes:
    """Return a PNG with a chunk of ``kind`` (a colour profile, a text) that unpacks to ``size`` bytes."""
    picture, data = paper.encoded(paper.picture()), b"x\0\0" + zlib.compress(bytes(size), 9)
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return picture[:33] + chunk + picture[33:]


def gif_with_large_frame(side: int) -> bytes:
    """Return a GIF of two frames. The second claims to be ``side`` pixels wide and high."""
    first = paper.picture()
    data = paper.encoded(first, "GIF", save_all=True, append_images=[ImageOps.invert(first)])
    before, header, after = data.rpartition(b"\x2c" + struct.pack("<HHHH", 0, 0, *first.size))
    return before + header[:5] + struct.pack("<HH", side, side) + after


def docx_of(body: str) -> bytes:
    """Return a Word document with this ``word/document.xml``."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(paper.docx(""))) as empty,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped,
    ):
        for name in empty.namelist():
            zipped.writestr(name, body if name == "word/document.xml" else empty.read(name))
    return file.getvalue()


def docx_that_lies(size: int) -> bytes:
    """Return a Word document whose text unpacks to 100 MB, while the archive claims ``size`` bytes."""
    data = bytearray(docx_of(" " * 100_000_000))
    entry = data.rfind(b"PK\x01\x02", 0, data.rfind(b"word/document.xml"))
    data[entry + 24 : entry + 28] = struct.pack("<I", size)
    return bytes(data)


def docx_of_a_later_zip() -> bytes:
    """Return a Word document whose archive claims to need a later version of zip."""
    data = bytearray(paper.docx(LINE))
    entry = data.index(b"PK\x01\x02")
    data[entry + 6] = 148
    return bytes(data)


def laughs(depth: int) -> str:
    """Return XML with nested entities, each of which stands for ten of the next: a billion laughs."""
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, depth))
    text = f"<w:body><w:p><w:r><w:t>&e{depth - 1};</w:t></w:r></w:p></w:body>"
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return f'<!DOCTYPE l [<!ENTITY e0 "lol">{entities}]><w:document xmlns:w="{namespace}">{text}</w:document>'


def email(content: str, body: str = "") -> bytes:
    """Return an e-mail with some headers, the further headers in ``content``, and a body."""
    headers = "From: a@example.com\nTo: b@example.com\nSubject: Invoice\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
    return f"{headers}{content}\n\n{body}".encode()
