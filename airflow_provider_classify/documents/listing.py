"""
List the files below a folder of a file system, or below a prefix of an object store.

The names come one at a time and are relative to the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any


def list_names(fs: Any, root: str, pattern: str | None, *, has_folders: bool) -> Iterator[str]:
    """
    Yield the names of the files that match a pattern, in any order.

    An empty prefix of an object store has no files; its bucket has to exist.

    :param pattern: as of ``glob``: ``*.pdf``, or ``**/*.pdf`` for all subfolders too; ``None`` for all files.
    :param has_folders: whether the file system has real folders; else it is an object store.
    :raises FileNotFoundError: there is no such folder, or no such bucket.
    """
    from fsspec.utils import glob_translate

    if pattern is None:
        return _names(fs, root, None, has_folders)
    matches = re.compile(glob_translate(pattern)).fullmatch
    depth = None if "**" in pattern else pattern.count("/") + 1
    return (name for name in _names(fs, root, depth, has_folders) if matches(name))


def _names(fs: Any, root: str, depth: int | None, has_folders: bool) -> Iterator[str]:
    found = _flat(fs, root) if depth is None and not has_folders else _walk(fs, root, "", depth)
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


def _flat(fs: Any, root: str) -> Iterator[str]:
    """List an object store's prefix in a few requests, however many folders it seems to have."""
    prefix = f"{root.rstrip('/')}/"
    found = fs.find(root, detail=True)
    while found:  # frees each entry, of which there may be 100,000
        name, info = found.popitem()
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
    except PermissionError:  # of a key that may see its own prefix alone, which could be listed
        return True
