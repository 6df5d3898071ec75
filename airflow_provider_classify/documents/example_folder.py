"""
Folders of examples. The local engine compares other documents with these documents of a category.

A review adds documents while other tasks read them, so a file appears only when it is complete. The name of an example
contains the hash of its bytes. So the same document is stored once, and only in the folder of the category that was
chosen last.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.documents.reference import local_path
from airflow_provider_classify.exceptions import InvalidCategories, StorageNotFound
from airflow_provider_classify.model.categories import Category

#: The most examples of a folder that a classification reads. It reads the newest ones.
MAX_EXAMPLES = 50
#: The hexadecimal digits of the hash in the name of an example.
_HASH = 16
#: The most characters of the document's name that the name of an example keeps.
_MAX_NAME = 80
#: The most bytes of a folder's name. File systems allow 255.
_MAX_FOLDER = 200
_CHUNK = 1024 * 1024

log = logging.getLogger(__name__)


def category_folder(folder: str, category: str) -> str:
    """
    Return the folder of a category's examples.

    A name with slashes is a path of folders. Characters that a file system may not allow are percent-encoded, so that
    no name leaves the folder.
    """
    return "/".join([folder.rstrip("/") or "/", *(_folder_name(part) for part in category.split("/"))])


def store_example(folder: str, category: str, document: object, *, others: Iterable[str] = ()) -> str:
    """
    Copy a document into the folder of a category, and return its path there.

    The document is hashed and copied in pieces, because it may be large.

    :param folder: a folder, or an object-storage prefix. Missing folders are created.
    :param others: other categories. The document is deleted from their folders, where an earlier answer may have put
        it.
    :raises DocumentError: the document cannot be read, or is not allowed.
    :raises StorageError: the folder cannot be written.
    """
    source = Document.of(document)
    with source.local_copy() as path, path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:_HASH]
        file.seek(0)
        target = StoragePath(category_folder(folder, category)) / f"{digest}-{_file_name(source.name)}"
        with target.write() as copy:
            shutil.copyfileobj(file, copy, _CHUNK)
    for other in others:
        if other != category:
            _delete_from(StoragePath(category_folder(folder, other)), digest)
    return target.reference


def with_listed_examples(categories: Sequence[Category]) -> tuple[Category, ...]:
    """
    Return the categories with the documents of their folders as examples.

    Only the newest :data:`MAX_EXAMPLES` documents of a folder are examples, without hidden files and subfolders. A
    folder that does not exist yet has no examples.

    :raises InvalidCategories: a folder is on an object storage, is a file, or cannot be read.
    """
    return tuple(
        replace(category, examples=tuple(path for path, _ in _newest(category)))
        if category.examples_folder
        else category
        for category in categories
    )


def examples_version(categories: Sequence[Category]) -> str:
    """Return a text that changes when an example in a folder is added, changed or deleted; empty without folders."""
    listed = [_newest(category) for category in categories if category.examples_folder]
    return hashlib.sha256(repr(listed).encode()).hexdigest()[:_HASH] if listed else ""


def _newest(category: Category) -> list[tuple[str, int]]:
    """Return the paths of the newest documents in the folder, sorted, each with the time of its last change in ns."""
    folder = local_path(category.examples_folder)
    if folder is None:
        raise InvalidCategories(
            f"The examples of the category {category.name!r} are on an object storage; "
            "give a folder that every worker has, such as a mounted one."
        )
    found = []
    try:
        for entry in os.scandir(folder):
            if not entry.name.startswith(".") and entry.is_file():
                with suppress(FileNotFoundError):  # a review has moved the document meanwhile
                    found.append((entry.stat().st_mtime_ns, entry.path))
    except FileNotFoundError:
        log.info("There are no examples of the category %r yet: there is no folder %s.", category.name, folder)
    except (OSError, ValueError) as error:
        raise InvalidCategories(
            f"The folder of examples of the category {category.name!r} cannot be read ({error}); give a folder."
        ) from error
    return sorted((path, modified) for modified, path in sorted(found)[-MAX_EXAMPLES:])


def _delete_from(folder: StoragePath, digest: str) -> None:
    try:
        found = folder.list_files(f"{digest}-*")
    except StorageNotFound:
        return
    for path in found:
        StoragePath(path).delete()


def _folder_name(part: str) -> str:
    name = quote(part.strip(), safe=" ()&+,;='") or "%"
    name = "%2E" + name[1:] if name.startswith(".") else name
    if len(name) <= _MAX_FOLDER:
        return name
    return f"{name[: _MAX_FOLDER - _HASH - 1]}-{hashlib.sha256(part.encode()).hexdigest()[:_HASH]}"


def _file_name(name: str) -> str:
    """Return the document's name, shortened from the left so that its suffix stays, without special characters."""
    return re.sub(r"[^\w. -]", "_", name, flags=re.ASCII)[-_MAX_NAME:]
