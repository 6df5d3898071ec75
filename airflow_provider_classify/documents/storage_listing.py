"""List the files below a folder of a file system, or below a prefix of an object store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

#: The keys of the time at which a file was written, in the order in which they are tried. "created" is last, because a
#: change of permissions changes it.
_TIME_KEYS = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
#: The keys of values that an object store changes with each write.
_TAG_KEYS = ("etag", "ETag", "generation")


class ListedFile(NamedTuple):
    """
    A file as its storage lists it.

    ``name`` is relative to the folder. ``version`` changes whenever the file is written. ``modified`` is an ISO 8601
    time in UTC, or ``None`` if the storage has no time.
    """

    name: str
    size: int
    version: str
    modified: str | None


def listed_files(fs: Any, root: str, *, depth: int | None, has_folders: bool) -> Iterator[ListedFile]:
    """Yield the files below a folder. The parameters and errors are those of :func:`file_names`."""
    for name, info in _files(fs, root, depth=depth, has_folders=has_folders):
        time = next((info[key] for key in _TIME_KEYS if info.get(key) is not None), None)
        tags = (info[key] for key in _TAG_KEYS if info.get(key) is not None)
        version = " ".join(map(str, (*tags, time)))
        yield ListedFile(name, int(info.get("size") or 0), version, _iso_time(time))


def file_names(fs: Any, root: str, *, depth: int | None, has_folders: bool) -> Iterator[str]:
    """
    Yield the names of the files below a folder, relative to it.

    :param fs: an fsspec file system.
    :param depth: how many levels are listed, at least 1; ``None`` for all.
    :param has_folders: whether the storage has real folders. An object store has only prefixes.
    :raises FileNotFoundError: there is no such folder. For an object store: there is no such bucket.
    """
    for name, _ in _files(fs, root, depth=depth, has_folders=has_folders):
        yield name


def _files(fs: Any, root: str, *, depth: int | None, has_folders: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    if depth is None and not has_folders:
        found: Iterator[tuple[str, dict[str, Any]]] = _list_prefix(fs, root)
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


def _walk(fs: Any, root: str, below: str, depth: int | None) -> Iterator[tuple[str, dict[str, Any]]]:
    folder = f"{root.rstrip('/')}/{below}" if below else root
    folders = []
    for info in fs.ls(folder, detail=True):
        name = str(info["name"]).rstrip("/").rpartition("/")[2]
        if _is_itself(info, folder):
            continue
        if info["type"] == "directory":
            folders.append(f"{below}{name}/")
        elif info["type"] == "file" or (info.get("islink") and fs.isfile(info["name"])):
            yield f"{below}{name}", info
    if depth is None or depth > 1:
        for deeper in folders:
            yield from _walk(fs, root, deeper, None if depth is None else depth - 1)


def _list_prefix(fs: Any, root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """List a whole prefix of an object store. This takes few requests, because no folder is listed by itself."""
    prefix = f"{root.rstrip('/')}/"
    for name, info in fs.find(root, detail=True).items():
        if info["type"] == "file" and name.startswith(prefix) and not _is_itself(info, name):
            yield name.removeprefix(prefix), info


def _iso_time(time: object) -> str | None:
    if isinstance(time, (int, float)):
        time = datetime.fromtimestamp(time, UTC)
    if isinstance(time, datetime):
        return time.astimezone(UTC).isoformat(timespec="seconds")
    return None if time is None else str(time)


def _is_itself(info: dict[str, Any], folder: str) -> bool:
    """Return whether an entry is the folder itself. An object whose name ends in a slash marks an empty folder."""
    name = str(info["name"])
    return name.rstrip("/") == folder.rstrip("/") and (name.endswith("/") or info["type"] == "directory")


def _has_bucket(fs: Any, root: str) -> bool:
    bucket = root.lstrip("/").partition("/")[0]
    try:
        return bool(fs.exists(bucket))
    except PermissionError:  # these credentials may list only their own prefix, and that listing succeeded
        return True
