"""Read the parts of an Office document and the references between them, even of files that break the standard."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from airflow_provider_classify.engine.reading.document_bytes import Source
from airflow_provider_classify.engine.reading.safe_xml import Element, local_name, parse_xml
from airflow_provider_classify.exceptions import DocumentCorrupt

#: The most bytes of a part in XML, and of any other part such as a picture. Larger parts are not read.
MAX_XML_PART, MAX_PART = 64 * 1024**2, 32 * 1024**2


@dataclass(frozen=True, slots=True)
class Relation:
    """A reference from one part to another: its id, its kind such as ``header``, and the name of the other part."""

    key: str
    kind: str
    target: str


class Package:
    """
    An opened Office document.

    Like Office, it compares the names of parts without regard to case, to a leading slash and to the kind of slash.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        #: The document's name in errors.
        self.name = name
        self._members = {_plain(member.filename): member for member in archive.infolist() if not member.is_dir()}

    @property
    def names(self) -> Sequence[str]:
        """The names of all parts, in lower case, in the order of the archive."""
        return list(self._members)

    def read(self, part: str) -> bytes | None:
        """
        Return the bytes of a part, or None if it is missing or too large.

        :raises DocumentCorrupt: the archive is damaged there.
        """
        member = self._members.get(_plain(part))
        if member is None or member.file_size > (
            MAX_XML_PART if part.lower().endswith((".xml", ".rels")) else MAX_PART
        ):
            return None
        try:
            return self._archive.read(member)
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            OSError,
            ValueError,
            RuntimeError,
            EOFError,
        ) as error:
            raise self.damage() from error

    def xml(self, part: str) -> Element | None:
        """
        Return the root element of a part, or None if the part is missing or too large.

        :raises DocumentCorrupt: it is not well-formed.
        """
        data = self.read(part)
        if data is None:
            return None
        try:
            return parse_xml(data)
        except ValueError as error:
            raise self.damage() from error

    def damage(self) -> DocumentCorrupt:
        """Return the error of a document whose parts are damaged or missing."""
        return DocumentCorrupt(
            f"The document {self.name!r} is damaged or incomplete; open it in its application and save it again."
        )

    def relations(self, part: str = "") -> list[Relation]:
        """
        Return the relations of a part, or of the whole package; an empty list if they are missing or damaged.

        Relations to targets outside the package are left out.
        """
        folder, file = posixpath.split(part)
        try:
            root = self.xml(posixpath.join(folder, "_rels", f"{file}.rels"))
        except DocumentCorrupt:
            return []
        return [
            Relation(
                element.get("Id", ""),
                element.get("Type", "").rpartition("/")[2],
                _resolved(folder, element.get("Target", "")),
            )
            for element in (root if root is not None else ())
            if local_name(element) == "Relationship" and element.get("TargetMode") != "External"
        ]

    def main_part(self, usual: str) -> str:
        """
        Return the name of the part that holds the document: the one that the package names, or else ``usual``.

        :raises DocumentCorrupt: both are missing.
        """
        named = [relation.target for relation in self.relations() if relation.kind == "officeDocument"]
        for part in (*named, usual):
            if _plain(part) in self._members:
                return part
        raise self.damage()

    def parts_like(self, folder: str, beginning: str) -> list[str]:
        """Return the parts in ``folder`` whose names begin with ``beginning``, those with smaller numbers first."""
        found = [
            name
            for name in self._members
            if posixpath.dirname(name) == folder.lower().strip("/") and posixpath.basename(name).startswith(beginning)
        ]
        return sorted(found, key=lambda name: (len(name), name))


@contextmanager
def open_package(source: Source) -> Iterator[Package]:
    """
    Open an Office document.

    :raises DocumentCorrupt: it is a broken archive.
    """
    with source.open() as file:
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            raise DocumentCorrupt(
                f"The document {source.name!r} is a broken archive; open it in its application and save it again."
            ) from error
        with archive:
            yield Package(archive, source.name)


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _resolved(folder: str, target: str) -> str:
    """Return the name of the part that ``target`` refers to from ``folder``. The name never leaves the package."""
    target = unquote(target.replace("\\", "/"))
    return posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
