"""
The entries of a batch record, and the rows of an output.

An entry has the fields of the batch (fingerprint, job, state), and the server's result in a field of its own. A row is
for users. It has the fields of the result at its top level.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from airflow_provider_classify.exceptions import ClassifyError, InvalidReply
from airflow_provider_classify.model.cascade import CASCADE_FIELDS
from airflow_provider_classify.model.printable_text import encodable
from airflow_provider_classify.model.without_text import without_text
from airflow_provider_classify.model.xcom import failure_fields

#: The fields of a row that the batch sets. The result of a server cannot replace them.
OWN_FIELDS = ("document", "intent", "job_id", "reused", "error", "error_kind", *CASCADE_FIELDS)


class State(StrEnum):
    """The state of a document in an entry."""

    #: The document has a job at the API.
    SUBMITTED = "submitted"
    #: The API no longer knows the job. The document must be submitted again.
    LOST = "lost"
    #: The document is escalated: it waits for the second connection of a cascade.
    ESCALATED = "escalated"
    #: The document has a result.
    CLASSIFIED = "classified"
    #: The classification failed. The next try of the task classifies the document again.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    A change in the state of a document, such as a submit, a result or an error.

    ``fingerprint`` is that of the :class:`Item`. A ``CLASSIFIED`` entry has a ``result``. A ``FAILED`` entry has
    ``error`` and ``error_kind``. An ``ESCALATED`` entry has a ``result`` or an ``error``. ``cascade`` has the
    :data:`CASCADE_FIELDS` of the document. ``reused`` marks a result from an earlier output.
    """

    fingerprint: str
    state: State
    job_id: str | None = None
    result: Mapping[str, Any] | None = None
    error: str | None = None
    error_kind: str | None = None
    cascade: Mapping[str, Any] | None = None
    reused: bool = False

    @classmethod
    def failure(cls, fingerprint: str, error: ClassifyError, job_id: str | None = None) -> Entry:
        """Return the entry of a document that failed."""
        return cls(fingerprint, State.FAILED, job_id, error=encodable(str(error)), error_kind=error.kind)

    @property
    def is_end(self) -> bool:
        """Whether the document has a result or an error."""
        return self.state in (State.CLASSIFIED, State.FAILED)

    def to_json(self) -> dict[str, Any]:
        """Return the entry as a JSON object, without the fields that are not set."""
        optional = {
            "job_id": self.job_id,
            "result": self.result,
            "error": self.error,
            "error_kind": self.error_kind,
            "cascade": self.cascade or None,
            "reused": self.reused or None,
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {"intent": self.fingerprint, "state": self.state.value, **present}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Entry:
        """Parse the JSON object of an entry. :raises ValueError: it is not an entry."""
        try:
            return cls(
                fingerprint=payload["intent"],
                state=State(payload["state"]),
                job_id=payload.get("job_id"),
                result=payload.get("result"),
                error=payload.get("error"),
                error_kind=payload.get("error_kind"),
                cascade=payload.get("cascade"),
                reused=payload.get("reused", False),
            )
        except KeyError as error:
            raise ValueError(f"an entry without {error}") from error

    def without_text(self) -> Entry:
        """Return the entry without the text of the document in its result."""
        return self if self.result is None else replace(self, result=without_text(self.result))

    def row(self, document: str) -> dict[str, Any]:
        """Return the row of a document that has a result or an error."""
        row: dict[str, Any] = {"document": document, "intent": self.fingerprint}
        if self.job_id is not None:
            row["job_id"] = self.job_id
        if self.state is State.FAILED:
            return row | failure_fields(str(self.error), str(self.error_kind)) | dict(self.cascade or {})
        fields = {name: value for name, value in (self.result or {}).items() if name not in OWN_FIELDS}
        return row | fields | dict(self.cascade or {}) | ({"reused": True} if self.reused else {})

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Entry | None:
        """Return an entry that reuses the row of an earlier output; ``None`` if the row has no result."""
        if row.get("error") is not None or not isinstance(row.get("intent"), str) or "classification" not in row:
            return None
        result = {name: value for name, value in row.items() if name not in OWN_FIELDS}
        cascade = {name: row[name] for name in CASCADE_FIELDS if row.get(name) is not None} or None
        return cls(row["intent"], State.CLASSIFIED, row.get("job_id"), result=result, cascade=cascade, reused=True)


def encode(entry: Entry) -> bytes:
    """
    Return an entry as a line of JSON.

    :raises InvalidReply: the result has a value that JSON cannot represent, such as NaN or half a surrogate pair.
    """
    return encode_line(entry.to_json())


def encode_line(payload: Mapping[str, Any]) -> bytes:
    """Return an object as a line of JSON. :raises InvalidReply: as :func:`encode`."""
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except ValueError as error:  # UnicodeEncodeError is a ValueError
        raise InvalidReply(
            f"The result of job {payload.get('job_id')!r} has a value that JSON cannot represent "
            f"({type(error).__name__}); report it to the provider of the API."
        ) from error


def decode_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any] | None]:
    """
    Yield the objects of JSON lines; ``None`` for a line that is not a JSON object.

    A line can be cut off if a process was killed or a disk was full.
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            payload = json.loads(line)
        except ValueError:  # UnicodeDecodeError is a ValueError
            payload = None
        yield payload if isinstance(payload, dict) else None
