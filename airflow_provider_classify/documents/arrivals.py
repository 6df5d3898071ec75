"""Decide which files of a watched folder are complete. Nothing is read from a storage here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from airflow_provider_classify.documents.storage_listing import ListedFile

#: Seconds for which an empty file has to stay unchanged. Many programs create a file long before they write to it.
EMPTY_FOR = 60.0
#: Lock files, and files that browsers, upload clients and office programs have not completed, have a name with one of
#: these suffixes or prefixes.
_PARTIAL_SUFFIXES = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", ".swp", "~")
_PARTIAL_PREFIXES = ("~$",)


class WatchedFile(NamedTuple):
    """A file of the folder. ``since`` is the time of the first scan that saw this version, in seconds."""

    size: int
    version: str
    modified: str | None
    since: float
    is_stable: bool


@dataclass(frozen=True, slots=True)
class Scan:
    """
    The files of a folder at one time.

    :param number: counts the scans of the folder by this process.
    :param time: the time at which the scan began, in seconds of its clock.
    :param files: every file by its name relative to the folder.
    :param arrived: the names of the files that became stable in this scan.
    """

    number: int
    time: float
    files: Mapping[str, WatchedFile]
    arrived: list[str]


class Arrivals:
    """
    Compares the scans of a folder with each other.

    A file is stable if at least two scans have seen the same size and version, ``stable_for`` seconds apart or more. A
    file that has changed counts as a new file. Hidden and partial files are ignored until they are renamed. The memory
    of this object grows with the number of files in the folder, and not with time.
    """

    def __init__(self, stable_for: float) -> None:
        self._stable_for = stable_for
        self._files: dict[str, WatchedFile] = {}
        self._scans = 0

    def update(self, listing: Iterable[ListedFile], now: float) -> Scan:
        """
        Add a complete listing of the folder.

        :param now: the time at which the listing began, in seconds.
        """
        files: dict[str, WatchedFile] = {}
        arrived = []
        for name, size, version, modified in listing:
            if is_ignored(name):
                continue
            last = self._files.get(name)
            if last is None or (last.size, last.version) != (size, version):
                files[name] = WatchedFile(size, version, modified, now, is_stable=False)
            elif not last.is_stable and now - last.since >= self._unchanged_for(size):
                files[name] = last._replace(is_stable=True)
                arrived.append(name)
            else:
                files[name] = last
        self._files = files
        self._scans += 1
        return Scan(self._scans, now, files, arrived)

    def _unchanged_for(self, size: int) -> float:
        return self._stable_for if size else max(self._stable_for, EMPTY_FOR)


def is_ignored(name: str) -> bool:
    """Return whether a file is a partial file or a lock file, or whether it or a folder on its path is hidden."""
    last = name.rpartition("/")[2].lower()
    return (
        any(part.startswith(".") for part in name.split("/"))
        or last.endswith(_PARTIAL_SUFFIXES)
        or last.startswith(_PARTIAL_PREFIXES)
    )
