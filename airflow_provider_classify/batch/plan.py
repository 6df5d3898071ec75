"""The documents of a batch, and the decisions about them. Pure, but for the listing of a folder."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from airflow_provider_classify.documents.allowed_roots import require_allowed
from airflow_provider_classify.exceptions import DocumentNotFound
from airflow_provider_classify.model.categories import Category

#: Failed documents that a manifest lists; the output has them all.
_LISTED_FAILURES = 100
#: The fields of a result that go to XCom where there is no output: a page's evidence is not small.
_SMALL = ("document", "job_id", "success", "classification", "confidence", "total_pages", "scores", "error")


@dataclass(frozen=True, slots=True)
class Item:
    """A document of a batch; ``intent`` tells this question about it from every other (see :func:`items_of`)."""

    document: str
    intent: str


def items_of(fingerprints: Mapping[str, str], categories: Sequence[Category], classifier: str) -> list[Item]:
    """
    Tell one question from another: this document with these bytes, these categories, this classifier.

    What is on record under the same intent need not be asked again.

    :param fingerprints: of each document, by its reference.
    """
    asked = [asdict(category) for category in categories]

    def intent_of(document: str, fingerprint: str) -> str:
        question = json.dumps([document, fingerprint, asked, classifier], sort_keys=True)
        return hashlib.sha256(question.encode()).hexdigest()

    return [Item(document, intent_of(document, fingerprint)) for document, fingerprint in fingerprints.items()]


def list_documents(folder: str, pattern: str) -> list[str]:
    """
    List the documents of a folder or object-storage prefix, sorted, hidden ones left out.

    :param pattern: as of ``glob``: ``*.pdf``, or ``**/*.pdf`` for subfolders too.
    :raises DocumentNotFound: there is no such folder.
    :raises DocumentNotAllowed: ``[classify] allowed_roots`` excludes it.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    require_allowed(folder)
    path = ObjectStoragePath(folder)
    if not path.is_dir():
        raise DocumentNotFound(f"There is no folder {folder}; check the path, and the connection in its URI.")
    return sorted(str(found) for found in path.glob(pattern) if found.is_file() and not found.name.startswith("."))


@dataclass(frozen=True, slots=True)
class Tally:
    """How a batch stands."""

    total: int
    done: int = 0
    failed: int = 0

    def line(self, seconds: float, began_with: int = 0) -> str:
        """
        Say it for the log.

        :param seconds: since this try of the task began, which found ``began_with`` documents done.
        """
        rate = (self.done - began_with) / seconds if seconds > 0 else 0.0
        left = f", {_duration((self.total - self.done) / rate)} left" if rate > 0 and self.done < self.total else ""
        failed = f", {self.failed} failed" if self.failed else ""
        return f"{self.done} of {self.total} documents done{failed}, {rate:.1f} a second{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def too_many_failed(failed: int, total: int, max_failed: float) -> bool:
    """
    Decide whether a batch fails.

    :param max_failed: a number of documents (``int``), or a share of them (``float`` up to 1).
    """
    allowed = max_failed * total if isinstance(max_failed, float) else max_failed
    return failed > allowed


def manifest(lines: Iterable[Mapping[str, Any]], *, output: str) -> dict[str, Any]:
    """Sum a batch up for XCom: its size does not grow with the number of documents."""
    categories: Counter[str] = Counter()
    failures: list[dict[str, str]] = []
    documents = failed = reused = 0
    for line in lines:
        documents += 1
        reused += line.get("reused", False)
        if "error" in line:
            failed += 1
            if len(failures) < _LISTED_FAILURES:
                failures.append({"document": line["document"], "error": line["error"]})
        else:
            categories[line["classification"]] += 1
    return {
        "documents": documents,
        "classified": documents - failed,
        "failed": failed,
        "reused": reused,
        "categories": dict(categories.most_common()),
        "failures": failures,
        "output": output,
    }


def small(line: Mapping[str, Any]) -> dict[str, Any]:
    """What of a line goes to XCom."""
    return {name: line[name] for name in _SMALL if name in line}
