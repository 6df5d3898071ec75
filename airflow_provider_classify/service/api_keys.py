"""
Read and check the keys of clients.

A key is the secret that a client sends. Its name is the owner of the client's jobs. The keys file has one line for each
key, with the SHA-256 of the key and not the key itself:

    team-a sha256:5e884898… quota=1000 rate=600 webhook-secret=whsec_…

SHA-256 is enough, because :func:`new_key` returns 256 random bits, which nobody can guess from the hash. Two lines may
have the same name. Both keys are then valid, for example while a client changes from the old key to the new one.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_provider_classify.exceptions import InvalidKeys, ServiceNotStarted
from airflow_provider_classify.service.logs import event
from airflow_provider_classify.service.webhook_signature import is_webhook_secret

#: The environment variable with a key that clients can send.
API_KEY_VARIABLE = "CLASSIFY_API_KEY"
#: The environment variable with the secret that signs the webhooks of keys without a secret of their own.
WEBHOOK_SECRET_VARIABLE = "CLASSIFY_WEBHOOK_SECRET"  # noqa: S105 - a name
#: The shortest key that a user may choose, in characters.
SHORTEST_KEY = 24
#: Seconds between two checks whether the file has changed.
CHECK_SECONDS = 1.0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HASH = re.compile(r"sha256:([0-9a-f]{64})")
_WHOLE = re.compile(r"[1-9][0-9]{0,8}")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """
    The key of a client, without its secret: the name, the limits and the webhook secret.

    :param name: the owner of the client's jobs. It is empty for the key in ``CLASSIFY_API_KEY``, and for every client
        of a service without keys.
    :param quota: the most documents in a calendar month (UTC); ``None`` for no limit.
    :param rate: the most requests in a minute; ``None`` for no limit.
    :param webhook_secret: signs the webhooks of the client's jobs; ``None`` for the service's own secret.
    """

    name: str = ""
    quota: int | None = None
    rate: int | None = None
    webhook_secret: str | None = field(default=None, repr=False)


def new_key() -> str:
    """Return a new random key."""
    return secrets.token_urlsafe(32)


def key_line(key: str, settings: Key) -> str:
    """
    Return the line of the file for a key.

    :raises InvalidKeys: the name is not allowed, or the key is too short or has a character that is not allowed.
    """
    if not _NAME.fullmatch(settings.name):
        raise InvalidKeys(
            f"The name {settings.name!r} of a key is not 1 to 64 letters, digits and ._-; choose another name."
        )
    if len(key) < SHORTEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidKeys(
            f"The key of {settings.name!r} is not {SHORTEST_KEY} or more printable ASCII characters without a space; "
            "let the command make one."
        )
    options = {"quota": settings.quota, "rate": settings.rate, "webhook-secret": settings.webhook_secret}
    written = [f"{name}={value}" for name, value in options.items() if value is not None]
    return " ".join([settings.name, f"sha256:{_digest(key).hex()}", *written])


def parse_keys(text: str, where: str) -> dict[bytes, Key]:
    """
    Return the keys in the text of a file, by their SHA-256.

    :param where: the file, for errors.
    :raises InvalidKeys: a line is not valid, two lines have the same key, or two lines with the same name have
        different settings.
    """
    keys: dict[bytes, Key] = {}
    by_name: dict[str, Key] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        place = f"Line {number} of the keys file {where}"
        digest, key = _parse_line(words, place)
        if digest in keys:
            raise InvalidKeys(f"{place} has a key that another line has; remove one of them.")
        if by_name.setdefault(key.name, key) != key:
            raise InvalidKeys(
                f"{place} has different settings from another line with the name {key.name!r}; make them equal."
            )
        keys[digest] = key
    return keys


def _parse_line(words: list[str], place: str) -> tuple[bytes, Key]:
    name, hashed, *options = [*words, ""] if len(words) == 1 else words
    match = _HASH.fullmatch(hashed)
    if not _NAME.fullmatch(name) or match is None:
        raise InvalidKeys(f"{place} is not NAME sha256:HASH; write it with `airflow-classify key NAME`.")
    found: dict[str, str] = {}
    for option in options:
        option_name, _, value = option.partition("=")
        if option_name in found or not _is_valid(option_name, value):
            # The message does not quote the value, because it may be a secret.
            raise InvalidKeys(
                f"{place} has the option {option_name!r} twice or with a value that is not allowed; "
                "use quota=N, rate=N and webhook-secret=whsec_…, each at most once."
            )
        found[option_name] = value
    quota, rate = (int(found[option]) if option in found else None for option in ("quota", "rate"))
    return bytes.fromhex(match[1]), Key(name, quota, rate, found.get("webhook-secret"))


def _is_valid(option: str, value: str) -> bool:
    if option in ("quota", "rate"):
        return _WHOLE.fullmatch(value) is not None
    return option == "webhook-secret" and is_webhook_secret(value)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", errors="surrogateescape")).digest()


def owned_idempotency_key(name: str, key: str) -> str:
    """
    Return the idempotency key under which the record stores a client's job, so that two clients can use the same key.

    If the client's key has no name, the idempotency key stays as it is. It cannot equal the stored key of another
    client, because no header can contain the separator.

    :param name: the name of the client's key.
    :param key: the idempotency key that the client sent.
    """
    return f"{name}\x1f{hashlib.sha256(key.encode()).hexdigest()}" if name else key


class KeysFile:
    """
    The keys in a file. All methods are thread-safe.

    The file is read again when it has changed. If it then cannot be read or is not valid, the earlier keys stay in use.

    :param check_seconds: seconds between two checks whether the file has changed.
    :param clock: returns seconds that never go back.
    :raises InvalidKeys: the file cannot be read or is not valid.
    """

    def __init__(
        self, path: Path, *, check_seconds: float = CHECK_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._check_seconds = check_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._version = self._version_now()
        self._keys: Mapping[bytes, Key] = self._read()
        self._checked_at = clock()

    def find(self, digest: bytes) -> Key | None:
        """Return the key with this SHA-256, if the file has it."""
        return self._current().get(digest)

    def webhook_secrets(self) -> dict[str, str]:
        """Return the webhook secrets, by the name of the key."""
        return {key.name: key.webhook_secret for key in self._current().values() if key.webhook_secret is not None}

    def _current(self) -> Mapping[bytes, Key]:
        if self._clock() - self._checked_at >= self._check_seconds:
            with self._lock:
                self._check()
        return self._keys

    def _check(self) -> None:
        if self._clock() - self._checked_at < self._check_seconds:
            return  # Another thread has just checked.
        self._checked_at = self._clock()
        version = self._version_now()
        if version == self._version:
            return
        self._version = version
        try:
            self._keys = self._read()
        except InvalidKeys as error:
            _log.error("The earlier keys stay in use: %s", error, extra=event("keys.invalid"))
        else:
            _log.info("The keys file was read again: %d keys.", len(self._keys), extra=event("keys.read"))

    def _read(self) -> dict[bytes, Key]:
        where = repr(str(self._path))
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise InvalidKeys(f"The keys file {where} cannot be read ({error.strerror}); name another file.") from error
        except UnicodeDecodeError as error:
            raise InvalidKeys(f"The keys file {where} is not text in UTF-8; save it as such.") from error
        return parse_keys(text, where)

    def _version_now(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:  # Reading the file reports why.
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


class Keys:
    """
    The keys that the service accepts.

    :param api_key: the one key without a name; ``None`` for none.
    :param file: the file with the named keys, if any.
    :param webhook_secret: signs the webhooks of the keys without a secret of their own; ``None`` for no secret.
    """

    def __init__(
        self, api_key: str | None = None, file: KeysFile | None = None, *, webhook_secret: str | None = None
    ) -> None:
        self._own = None if api_key is None else _digest(api_key)
        self._file = file
        self._webhook_secret = webhook_secret

    @property
    def are_required(self) -> bool:
        """Whether a client must send a key."""
        return self._own is not None or self._file is not None

    def find(self, given: str | None) -> Key | None:
        """
        Return the key that a client sent; ``None`` if the service does not accept it.

        A service without keys accepts every client, also without a key.
        """
        if not self.are_required:
            return Key()
        digest = _digest(given or "")
        # The keys are compared by their hashes, so the time of a comparison reveals nothing about a key.
        if self._own == digest:
            return Key()
        return self._file.find(digest) if self._file else None

    def webhook_secret(self, name: str) -> str | None:
        """Return the secret that signs the webhooks of the key with this name; ``None`` if there is no secret."""
        own = self._file.webhook_secrets().get(name) if self._file and name else None
        return own or self._webhook_secret

    def with_webhook_secret(self) -> frozenset[str] | None:
        """Return the names of the keys whose webhooks this process can sign; ``None`` for all keys."""
        if self._webhook_secret is not None:
            return None
        return frozenset(self._file.webhook_secrets() if self._file else ())


def open_keys(file: Path | None, environment: Mapping[str, str]) -> Keys:
    """
    Return the keys of a file and of the environment.

    :raises InvalidKeys: the file cannot be used.
    :raises ServiceNotStarted: a variable of the environment is empty or not valid.
    """
    api_key = environment.get(API_KEY_VARIABLE)
    if api_key is not None and not api_key.strip():
        raise ServiceNotStarted(f"{API_KEY_VARIABLE} is set but empty; set it to a key, or unset it.")
    secret = environment.get(WEBHOOK_SECRET_VARIABLE)
    if secret is not None and not is_webhook_secret(secret):
        raise ServiceNotStarted(
            f"{WEBHOOK_SECRET_VARIABLE} must be whsec_ and then the Base64 of 24 to 64 bytes; "
            "let `airflow-classify key NAME --webhook-secret` make one."
        )
    return Keys(api_key, None if file is None else KeysFile(file), webhook_secret=secret)
