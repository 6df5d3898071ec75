"""
Compute the values of Airflow's metrics. :mod:`airflow_provider_classify.lifecycle.metrics` sends them.

Every metric has the tag ``backend``: ``local``, ``api`` or ``model``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_classify.exceptions import ClassifyError
from airflow_provider_classify.model.result import ClassificationResult

SUBMITTED = "classify.submitted"
COMPLETED = "classify.completed"
FAILED = "classify.failed"
LOOKS = "classify.looks"
DURATION = "classify.duration"

#: The value of the tag ``category`` for a blank document. No name of a category gives this value.
BLANK = "-blank"
#: The most characters of a tag.
_MAX_TAG = 100


@dataclass(frozen=True, slots=True)
class Count:
    """A number that is added to a counter."""

    name: str
    value: int = 1
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Duration:
    """A time in seconds that is sent to a timer."""

    name: str
    seconds: float
    tags: Mapping[str, str] = field(default_factory=dict)


Measurement = Count | Duration


def submitted(backend: str) -> Count:
    """Return the count of a document that was submitted to a backend."""
    return Count(SUBMITTED, 1, {"backend": backend})


def looked(backend: str, jobs: int = 1) -> Count:
    """Return the count of jobs whose status was requested."""
    return Count(LOOKS, jobs, {"backend": backend})


def ended(backend: str, end: ClassificationResult | ClassifyError) -> Count:
    """Return the count of a document by its result or its error."""
    if isinstance(end, ClassifyError):
        return failed(backend, end.kind)
    return completed(backend, end.classification)


def of_value(backend: str, value: Mapping[str, Any]) -> Count:
    """Return the count of a document by its value in XCom."""
    return failed(backend, value["error_kind"]) if "error" in value else completed(backend, value["classification"])


def completed(backend: str, category: str | None) -> Count:
    """
    Return the count of a document that has an answer.

    :param category: the category; ``None`` for a blank document.
    """
    return Count(COMPLETED, 1, {"backend": backend, "category": BLANK if category is None else tag_of(category)})


def failed(backend: str, kind: str | None) -> Count:
    """
    Return the count of a document that has no answer.

    :param kind: the name of the error's class.
    """
    return Count(FAILED, 1, {"backend": backend, "error_kind": tag_of(kind or "ClassifyError")})


def waited(backend: str, seconds: float) -> Duration:
    """Return the time from the submit of a document to the end of its job."""
    return Duration(DURATION, max(0.0, seconds), {"backend": backend})


def tag_of(text: str) -> str:
    """
    Return a text as the value of a tag.

    It has only ASCII letters, digits and ``_ . - /``, because Airflow drops a metric with other characters if its
    tags are part of its name (``statsd_influxdb_enabled``). A text of another script gets a short hash instead.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    tag = re.sub(r"[^A-Za-z0-9_./-]+", "_", plain).strip("_-")[:_MAX_TAG]
    if re.search("[A-Za-z0-9]", tag):
        return tag
    return f"category_{hashlib.blake2b(text.encode(errors='replace'), digest_size=4).hexdigest()}"
