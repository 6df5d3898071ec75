"""Find the format of a ZIP archive or an OLE file by the names of its parts."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import PurePath

from airflow_provider_classify.engine.reading.document_bytes import Source
from airflow_provider_classify.engine.reading.sniffing import READABLE, Container, Format
from airflow_provider_classify.exceptions import (
    DocumentCorrupt,
    DocumentEncrypted,
    DocumentTooLarge,
    DocumentTypeUnknown,
    ExtraNotInstalled,
)

#: The most bytes of an unpacked Office document. Large documents consist of pictures, which hardly grow when unpacked.
MAX_UNPACKED_BYTES = 1024**3
#: The most bytes of XML in it. The parser needs many times this memory.
MAX_UNPACKED_XML_BYTES = 64 * 1024**2
#: The most parts. Each takes about a kilobyte of memory.
MAX_PARTS = 20_000

#: Streams that show the format of an OLE file. The first one that exists counts.
_OLE_STREAMS: tuple[tuple[str, str], ...] = (
    ("WordDocument", "a Word document of before 2007 (DOC); save it as DOCX or PDF"),
    ("Workbook", "an Excel workbook of before 2007 (XLS); save it as XLSX or PDF"),
    ("Book", "an Excel workbook of before 2007 (XLS); save it as XLSX or PDF"),
    ("PowerPoint Document", "a presentation of before 2007 (PPT); save it as PPTX or PDF"),
    ("VisioDocument", "a Visio drawing (VSD); save it as PDF"),
    ("\x05SummaryInformation", "an Office file of an unknown kind; save it as DOCX, PPTX, XLSX or PDF"),
)
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
#: Pieces of the content types of the main part of each format, including templates and files with macros.
_OPEN_XML = {
    Format.DOCX: ("wordprocessingml.document.main", "wordprocessingml.template.main", "ms-word."),
    Format.PPTX: ("presentationml.presentation.main", "presentationml.slideshow.main", "presentationml.template.main"),
    Format.XLSX: ("spreadsheetml.sheet.main", "spreadsheetml.template.main", "ms-excel.sheet.macroEnabled.main"),
}
_FOLDERS = {
    Format.DOCX: ("word", "word/document.xml"),
    Format.PPTX: ("ppt", "ppt/presentation.xml"),
    Format.XLSX: ("xl", "xl/workbook.xml"),
}
#: The most bytes that are read of a part that shows the format.
_TYPES_BYTES = 256 * 1024


def format_in_container(container: Container, source: Source) -> Format:
    """
    Return the format of a document that is a container.

    :raises DocumentTypeUnknown: it is a plain archive, or of a format that is not read.
    :raises DocumentEncrypted: it is an Office document with a password or with rights management.
    :raises DocumentCorrupt: the container is broken.
    :raises DocumentTooLarge: the archive unpacks to more bytes or parts than are read.
    :raises ExtraNotInstalled: olefile, which reads OLE files, is missing.
    """
    return _zip_format(source) if container is Container.ZIP else _ole_format(source)


def _zip_format(source: Source) -> Format:
    name = source.name
    try:
        with source.open() as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {_part_name(member.filename) for member in members}
            mimetype = _beginning(archive, "mimetype").strip()
            content_types = _beginning(archive, "[Content_Types].xml")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, ValueError, RuntimeError, EOFError) as error:
        raise DocumentCorrupt(
            f"The document {name!r} is a broken archive (ZIP); open it in its application and save it again."
        ) from error
    kind = _office_format(names, mimetype, content_types, name)
    unpacked = sum(member.file_size for member in members)
    xml = sum(member.file_size for member in members if member.filename.lower().endswith((".xml", ".rels")))
    if unpacked > MAX_UNPACKED_BYTES or xml > MAX_UNPACKED_XML_BYTES or len(members) > MAX_PARTS:
        raise DocumentTooLarge(
            f"The document {name!r} unpacks to {unpacked:,} bytes in {len(members):,} parts, {xml:,} bytes of them "
            f"XML, which is more than the {MAX_UNPACKED_BYTES:,}, {MAX_PARTS:,} and {MAX_UNPACKED_XML_BYTES:,} "
            "that are read; split it."
        )
    return kind


def _office_format(names: set[str], mimetype: str, content_types: str, name: str) -> Format:
    if mimetype.startswith(_OPEN_DOCUMENT):
        return Format.OPEN_DOCUMENT
    for kind, marks in _OPEN_XML.items():
        if any(mark in content_types for mark in marks):
            return kind
    # Files with missing or wrong content types have the usual names of folders.
    folders = {part.partition("/")[0] for part in names if "/" in part}
    is_open_xml = "[content_types].xml" in names or "_rels/.rels" in names
    for kind, (folder, main) in _FOLDERS.items():
        if main in names or (is_open_xml and folder in folders):
            return kind
    if "content.xml" in names:
        return Format.OPEN_DOCUMENT
    raise DocumentTypeUnknown(
        f"The document {name!r} is an archive (ZIP), not an Office document; unpack it and give the documents in it, "
        f"each one of {READABLE}."
    )


def _beginning(archive: zipfile.ZipFile, part: str) -> str:
    """Return the first characters of a part that names the format of the archive; empty if the part is missing."""
    try:
        with archive.open(part) as opened:
            return opened.read(_TYPES_BYTES).decode("utf-8", errors="replace")
    except KeyError:
        return ""


def _part_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _ole_format(source: Source) -> Format:
    streams = _ole_streams(source)
    name = source.name
    top = {path[0] for path in streams}
    if "EncryptedPackage" in top:
        if any("DRM" in step for path in streams for step in path):
            raise _rights_managed(name)
        raise DocumentEncrypted(f"The document {name!r} asks for a password; save it without one.")
    if any("DRMContent" in step for step in top):
        raise _rights_managed(name)
    if any(step.startswith(("__properties_version1", "__substg1")) for step in top):
        return Format.OUTLOOK
    if PurePath(name).suffix.lower() == ".msg":
        raise DocumentTypeUnknown(
            f"The document {name!r} is named as an Outlook message (MSG) and has no message in it; "
            "save the message again, as EML."
        )
    for stream, what in _OLE_STREAMS:
        if stream in top:
            raise DocumentTypeUnknown(f"The document {name!r} is {what}.")
    raise DocumentTypeUnknown(
        f"The document {name!r} is an OLE file of an unknown application; save it as PDF, or as one of {READABLE}."
    )


def _ole_streams(source: Source) -> list[list[str]]:
    try:
        import olefile
    except ImportError as error:
        raise ExtraNotInstalled(
            "Reading Outlook messages needs olefile; install airflow-provider-classify[local] where the tasks run."
        ) from error
    try:
        with source.open() as file, olefile.OleFileIO(file) as ole:
            return list(ole.listdir(streams=True, storages=True))
    except (OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DocumentCorrupt(
            f"The document {source.name!r} is a broken Office or Outlook file; open it in its application and save it "
            "again, as DOCX, PDF or EML."
        ) from error


def _rights_managed(name: str) -> DocumentEncrypted:
    return DocumentEncrypted(
        f"The document {name!r} is encrypted by Microsoft rights management (IRM); save it without protection."
    )
