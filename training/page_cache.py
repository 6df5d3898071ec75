"""Cache what the engine reads of a document, until the document or the code that reads it changes."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

import airflow_provider_classify.engine

T = TypeVar("T")


def cached(folder: Path, parts: Sequence[str], path: Path, read: Callable[[Path], T]) -> T:
    """
    Return what ``read`` returns for a document, from the cache if it is there.

    :param folder: the folder of the cache.
    :param parts: the files and folders whose code reads the document: paths in the folder of the engine, or absolute
        paths. The cache is valid until one of them changes.
    """
    content = hashlib.sha256(path.read_bytes()).hexdigest()[:24]
    file = folder / f"{content}_{_code_version(tuple(parts))}.pickle"
    if file.exists():
        known: T = pickle.loads(file.read_bytes())
        return known
    value = read(path)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = file.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(pickle.dumps(value))
    temporary.rename(file)
    return value


@cache
def _code_version(parts: tuple[str, ...]) -> str:
    """Return a hash of the code in these parts."""
    engine = Path(airflow_provider_classify.engine.__file__).parent
    digest = hashlib.sha256()
    for part in parts:
        for file in [engine / part] if part.endswith(".py") else sorted((engine / part).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
