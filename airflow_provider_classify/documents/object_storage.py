"""
Files and folders on object storage, and on this machine.

Documents, batch records and outputs go through here, and nothing else in the package uses Airflow's
``ObjectStoragePath``. Three rules hold for every storage: a file is replaced only by a complete new one; no
bucket or container is created; every failure is a :class:`StorageError`, or :class:`ConnectionNotUsable`,
that names the file and the connection.
"""

from __future__ import annotations

import functools
import io
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from airflow_provider_classify.exceptions import (
    ClassifyError,
    ConnectionNotUsable,
    StorageError,
    StorageForbidden,
    StorageNotFound,
    StorageNotInstalled,
    StorageUnavailable,
)

#: Schemes with real folders, which are created as needed, and with a rename. Every other scheme is an object
#: store: an upload appears whole or not at all, a folder is a common prefix, and what can be created is a bucket.
_WITH_FOLDERS = frozenset(
    {"", "file", "local", "memory", "sftp", "ssh", "smb", "hdfs", "webhdfs", "viewfs", "ftp", "dbfs"}
)
#: Errors of storage clients that say "no or wrong credentials" without an HTTP status.
_WITHOUT_CREDENTIALS = frozenset(
    {
        "ClientAuthenticationError",
        "CredentialRetrievalError",
        "CredentialUnavailableError",
        "DefaultCredentialsError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "RefreshError",
        "TokenRetrievalError",
    }
)
#: Objects that are deleted at the same time.
_DELETES = 16


@dataclass(frozen=True, slots=True)
class StoragePath:
    """
    A file or folder by its reference: a local path, ``file:///path`` or ``scheme://conn_id@bucket/key``.

    Without a connection id the storage's own defaults apply, such as the machine's identity.
    """

    reference: str

    @property
    def conn_id(self) -> str | None:
        """The Airflow connection that the URI names."""
        host = self._rest.partition("/")[0]
        return host.rpartition("@")[0] or None

    @property
    def label(self) -> str:
        """The reference as it may be shown, without the connection."""
        if not self._scheme:
            return _printable(self.reference)
        host, slash, path = self._rest.partition("/")
        return _printable(f"{self._scheme}://{host.rpartition('@')[2]}{slash}{path}")

    def __truediv__(self, name: str) -> StoragePath:
        return StoragePath(f"{self.reference.rstrip('/')}/{name}")

    def open(self) -> BinaryIO:
        """
        Open the file for reading.

        Later reads can fail with errors of the storage's client; :meth:`read_bytes` and :meth:`open_lines` name these.

        :raises StorageError: it is not there or cannot be read.
        :raises ConnectionNotUsable: the connection does not exist or does not open a storage.
        """
        with self._naming("opened"):
            path = self._object_storage_path()
            self._forget_listings(path)
            return cast("BinaryIO", path.open("rb"))

    def read_bytes(self) -> bytes:
        """Return the content of the file. :raises StorageError: as :meth:`open`."""
        with self._naming("read"), self.open() as file:
            return file.read()

    @contextmanager
    def open_whole(self) -> Iterator[BinaryIO]:
        """
        Provide a copy of the file on this machine, for readers that seek or take their time.

        :raises StorageError: as :meth:`open`.
        """
        with tempfile.TemporaryFile() as copy:
            with self._naming("read"), self.open() as file:
                shutil.copyfileobj(file, copy, 1024 * 1024)
            copy.seek(0)
            yield cast("BinaryIO", copy)

    def exists(self) -> bool:
        """
        Return whether there is a file or folder.

        :raises StorageError: the storage refused or cannot be reached, so it is not known.
        """
        with self._naming("looked for"):
            path = self._object_storage_path()
            self._forget_listings(path)
            try:
                path.fs.info(path.path)
            except (FileNotFoundError, NotADirectoryError):
                return False
            return True

    def list_files(self, pattern: str = "*") -> list[str]:
        """
        Return the references of the files in the folder, sorted.

        An empty prefix of an object store has no files; its bucket has to exist.

        :param pattern: as of ``glob``: ``*.pdf``, or ``**/*.pdf`` for all subfolders too.
        :raises StorageNotFound: there is no such folder, or no such bucket.
        :raises StorageError: the storage refused or cannot be reached.
        """
        from fsspec.utils import glob_translate

        matches = re.compile(glob_translate(pattern)).fullmatch
        depth = None if "**" in pattern else pattern.count("/") + 1
        root = self.reference.rstrip("/") or "/"
        with self._naming("listed"):
            path = self._object_storage_path()
            self._forget_listings(path)
            names = [name for name in self._names(path.fs, path.path, depth) if matches(name)]
        return sorted(f"{root.rstrip('/')}/{name}" for name in names)

    @contextmanager
    def write(self) -> Iterator[BinaryIO]:
        """
        Provide a file to write to, which replaces this one when the block ends.

        If the block raises, this file stays as it was.

        :raises StorageError: the storage refused or cannot be reached, or the bucket does not exist.
        """
        with self._naming("written"):
            path = self._object_storage_path()
        writing = self._write_and_rename if self._has_folders else self._write_and_upload
        with writing(path.fs, path.path) as file:
            yield file

    def write_bytes(self, data: bytes) -> None:
        """Replace the file by one with this content. :raises StorageError: as :meth:`write`."""
        if self._has_folders:
            with self.write() as file:
                file.write(data)
            return
        with self._naming("written"):
            path = self._object_storage_path()
            path.fs.pipe_file(path.path, data)

    def delete_folder(self) -> None:
        """
        Delete the files of the folder, and the folder if nothing else is in it. A missing folder is no error.

        :raises StorageError: the storage refused or cannot be reached.
        """
        with self._naming("deleted"):
            path = self._object_storage_path()
            self._forget_listings(path)
            try:
                names = list(self._names(path.fs, path.path, None))
            except (FileNotFoundError, NotADirectoryError, StorageNotFound):
                return
            with ThreadPoolExecutor(_DELETES) as threads:
                deleted = threads.map(functools.partial(_delete, path.fs), (f"{path.path}/{name}" for name in names))
                for _ in deleted:  # raises what a thread raised
                    pass
            if self._has_folders:
                _remove_empty_folders(path.fs, path.path, names)

    @property
    def _scheme(self) -> str:
        scheme, separator, _ = self.reference.partition("://")
        return scheme.lower() if separator else ""

    @property
    def _rest(self) -> str:
        return self.reference.partition("://")[2]

    @property
    def _has_folders(self) -> bool:
        return self._scheme in _WITH_FOLDERS

    def _object_storage_path(self) -> Any:
        """
        Return Airflow's path, whose file system is ready for use.

        Airflow's storages take a connection that does not exist for none at all, and go on as the machine's own
        identity. So it is looked up here first.
        """
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        if self.conn_id:
            _require_connection(self.conn_id)
        try:
            path = ObjectStoragePath(self.reference)
            path.fs  # noqa: B018 - making the file system finds most faults of a connection
        except ImportError as error:
            raise self._not_installed() from error
        except Exception as error:  # each storage's provider raises kinds of its own
            if isinstance(error, ValueError) and str(error).startswith(
                ("No filesystem registered", "Unsupported filesystem")
            ):
                raise self._not_installed() from error
            if not self.conn_id:
                raise
            raise ConnectionNotUsable(
                f"The connection {_name_of(self.conn_id)} does not open the storage of {self.label} "
                f"({_reason(error)}); check its type and its fields."
            ) from error
        return path

    def _not_installed(self) -> StorageNotInstalled:
        return StorageNotInstalled(
            f"No installed Airflow provider opens {self.label}; install the one for {self._scheme}:// "
            "with its storage extra (such as apache-airflow-providers-amazon[s3fs]), or check the URI."
        )

    def _forget_listings(self, path: Any) -> None:
        """Make the file system ask its server: other processes write here too."""
        path.fs.invalidate_cache(path.path)

    def _names(self, fs: Any, root: str, depth: int | None) -> Iterator[str]:
        """Yield the names of all files below a folder, relative to it."""
        if depth is None and not self._has_folders:
            found: Iterator[str] = _flat(fs, root)
        else:
            found = _walk(fs, root, "", depth)
        try:
            first = next(found, None)
        except (FileNotFoundError, NotADirectoryError):
            if self._has_folders or not _has_bucket(fs, root):
                raise
            return
        if first is None:
            if not self._has_folders and not _has_bucket(fs, root):
                raise FileNotFoundError(root)
            return
        yield first
        yield from found

    @contextmanager
    def _write_and_rename(self, fs: Any, target: str) -> Iterator[BinaryIO]:
        folder, _, name = target.rpartition("/")
        temporary = f"{folder}/.{name[:100]}.{uuid.uuid4().hex[:8]}.tmp"
        with self._naming("written"):
            if fs.isdir(target):
                raise IsADirectoryError(target)
            fs.makedirs(folder or "/", exist_ok=True)
            file = fs.open(temporary, "wb")
        renamed = False
        try:
            with file:
                yield cast("BinaryIO", _Named(file, self._naming))
            with self._naming("written"):
                fs.mv(temporary, target)
            renamed = True
        finally:
            if not renamed:
                with self._naming("written"):
                    _delete(fs, temporary)

    @contextmanager
    def _write_and_upload(self, fs: Any, target: str) -> Iterator[BinaryIO]:
        """Write to a file on this machine first: closing an upload that is not complete would make it appear."""
        with tempfile.NamedTemporaryFile(prefix="airflow-classify-") as file:
            yield cast("BinaryIO", file)
            file.flush()
            with self._naming("written"):
                fs.put_file(file.name, target)

    @contextmanager
    def _naming(self, action: str) -> Iterator[None]:
        """Turn what a storage raises into an error that names the file."""
        try:
            yield
        except ClassifyError:
            raise
        except Exception as error:  # each storage's client raises kinds of its own
            raise self._error(error, action) from error

    def _error(self, error: Exception, action: str) -> StorageError:
        connection = f"the connection {_name_of(self.conn_id)}" if self.conn_id else "the storage's own credentials"
        is_local = self._scheme in ("", "file", "local")
        status = _http_status(error)
        subject = f"{self.label} cannot be {action} ({_reason(error)})"
        if isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError)) or status == 404:
            names = "the path" if is_local else f"its bucket or container, its path and {connection}"
            return StorageNotFound(f"{subject}; check {names}.")
        if isinstance(error, PermissionError) or status in (401, 403) or _is_without_credentials(error):
            names = "its permissions" if is_local else f"what {connection} may do there"
            return StorageForbidden(f"{subject}; check {names}.")
        names = "the disk" if is_local else f"the storage and {connection}"
        return StorageUnavailable(f"{subject}; check {names}, and retry.")


class _Named(io.RawIOBase):
    """A file whose failures at a write are named: a disk can be full."""

    def __init__(self, file: Any, naming: Callable[[str], Any]) -> None:
        self._file = file
        self._naming = naming

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with self._naming("written"):
            return int(self._file.write(data))

    def tell(self) -> int:
        return int(self._file.tell())

    def flush(self) -> None:
        with self._naming("written"):
            self._file.flush()


@functools.cache
def _require_connection(conn_id: str) -> None:
    """Raise an error if Airflow does not have the connection. One that was found is not looked up again."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConnectionNotUsable(
            f"The connection {_name_of(conn_id)} of a storage URI is not defined; define it, or correct the URI, "
            "in which the connection id stands before the @."
        ) from error


def _name_of(conn_id: str | None) -> str:
    """Quote a connection id. A URI of another tool may have a user and a password in its place."""
    user, colon, _ = (conn_id or "").partition(":")
    return repr(f"{user}:***" if colon else user)


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
    except PermissionError:  # of a key that may see its own prefix alone, which could be listed
        return True


def _delete(fs: Any, name: str) -> None:
    with suppress(FileNotFoundError):
        fs.rm_file(name)


def _remove_empty_folders(fs: Any, root: str, names: list[str]) -> None:
    """Remove the folders that these files were in. One in which another process has put something stays."""
    below = {name[: match.start()] for name in names for match in re.finditer("/", name)}
    for folder in [*sorted(below, key=len, reverse=True), ""]:
        path = f"{root.rstrip('/')}/{folder}" if folder else root
        with suppress(FileNotFoundError):
            if not fs.ls(path, detail=False):
                fs.rmdir(path)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _http_status(error: BaseException) -> int | None:
    """Return the HTTP status in an error of botocore, azure-core, gcsfs or aiohttp, or in its causes."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        else:
            status = next(
                (value for name in ("status_code", "status", "code") if (value := getattr(link, name, None))), None
            )
        if str(status).isdecimal() and 400 <= int(str(status)) <= 599:
            return int(str(status))
    return None


def _is_without_credentials(error: BaseException) -> bool:
    return any(cls.__name__ in _WITHOUT_CREDENTIALS for link in _chain(error) for cls in type(link).__mro__)


def _reason(error: BaseException) -> str:
    """
    Say in a few words why a storage failed.

    Its own words are not repeated: they may hold a signed URL or a key. They stand in the error's cause.
    """
    reasons = [type(error).__name__]
    if isinstance(error, OSError) and error.errno:
        reasons.append(os.strerror(error.errno))
    for link in _chain(error):
        response = getattr(link, "response", None)
        code = (
            response.get("Error", {}).get("Code") if isinstance(response, dict) else getattr(link, "error_code", None)
        )
        if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", code):
            reasons.append(code)
            break
    if status := _http_status(error):
        reasons.append(f"HTTP {status}")
    return ", ".join(dict.fromkeys(reasons))


def _printable(text: str) -> str:
    """Escape what is not UTF-8, as in a file name of another encoding."""
    return text.encode("utf-8", "backslashreplace").decode()
