"""List the files below a folder of a file system, or below a prefix of an object store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def file_names(fs: Any, root: str, *, depth: int | None, has_folders: bool) -> Iterator[str]:
    """
    Yield the names of the files below a folder, relative to it.

    :param fs: an fsspec file system.
    :param depth: how many levels are listed, at least 1; ``None`` for all.
    :param has_folders: whether the storage has real folders. An object store has only prefixes.
    :raises FileNotFoundError: there is no such folder. For an object store: there is no such bucket.
    """
    if depth is None and not has_folders:
        found: Iterator[str] = _list_prefix(fs, root)
    else:
        found = _walk(fs, root, "", depth)
    try:
        first = next(found, None)
    except (FileNotFoundError, NotADirectoryError):
        if has_folders or not _has_bucket(fs, root):
            raise
        return
    if first is None:
        if not has_folders and not _has_bucket(fs, root):
            raise FileNotFoundError(root)
        return
    yield first
    yield from found


def _walk(fs: Any, root: str, below: str, depth: int | None) -> Iterator[str]:
    folder = f"{root.rstrip('/')}/{below}" if below else root
    folders = []
    for info in fs.ls(folder, detail=True):
        name = str(info["name"]).rstrip("/").rpartition("/")[2]
        if _is_itself(info, folder):
            continue
        if info["type"] == "directory":
            folders.append(f"{below}{name}/")
        elif info["type"] == "file" or (info.get("islink") and fs.isfile(info["name"])):
            yield f"{below}{name}"
    if depth is None or depth > 1:
        for deeper in folders:
            yield from _walk(fs, root, deeper, None if depth is None else depth - 1)


def _list_prefix(fs: Any, root: str) -> Iterator[str]:
    """List a whole prefix of an object store. This takes few requests, because no folder is listed by itself."""
    prefix = f"{root.rstrip('/')}/"
    for name, info in fs.find(root, detail=True).items():
        if info["type"] == "file" and name.startswith(prefix) and not _is_itself(info, name):
            yield name.removeprefix(prefix)


def _is_itself(info: dict[str, Any], folder: str) -> bool:
    """Return whether an entry is the marker of an empty folder, an object whose name ends in a slash."""
    name = str(info["name"])
    return name.rstrip("/") == folder.rstrip("/") and (name.endswith("/") or info["type"] == "directory")


def _has_bucket(fs: Any, root: str) -> bool:
    bucket = root.lstrip("/").partition("/")[0]
    try:
        return bool(fs.exists(bucket))
    except PermissionError:  # these credentials may list only their own prefix, and they did
        return True
