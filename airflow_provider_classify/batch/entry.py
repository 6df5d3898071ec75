"""
The entries of a batch record, and the rows of an output.

An entry is an envelope: what the batch knows (fingerprint, job, state) stands beside the server's result, never
among its fields. A row is what a user reads, with the fields of the result at its top level.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_classify.exceptions import ClassifyError, InvalidReply
from airflow_provider_classify.model.text import encodable

#: Fields of a row that the batch sets. A server's result cannot replace them.
OWN_FIELDS = ("document", "intent", "job_id", "reused", "error", "error_kind")


class State(StrEnum):
    """What an entry says of a document."""

    #: It has a job at the API.
    SUBMITTED = "submitted"
    #: The API no longer knows its job, so it is to be submitted again.
    LOST = "lost"
    CLASSIFIED = "classified"
    #: It was not classified. The next try of the task does it again.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    What happened to a document.

    ``intent`` is the fingerprint of document, categories and classifier. ``result`` belongs to ``CLASSIFIED``,
    ``error`` and ``error_kind`` to ``FAILED``. ``reused`` marks a result from an earlier output.
    """

    intent: str
    state: State
    job_id: str | None = None
    result: Mapping[str, Any] | None = None
    error: str | None = None
    error_kind: str | None = None
    reused: bool = False

    @classmethod
    def failure(cls, intent: str, error: ClassifyError, job_id: str | None = None) -> Entry:
        """Return the entry of a document that was not classified."""
        return cls(intent, State.FAILED, job_id, error=encodable(str(error)), error_kind=error.kind)

    @property
    def is_end(self) -> bool:
        """Whether the document is done, with a result or with an error."""
        return self.state in (State.CLASSIFIED, State.FAILED)

    def to_json(self) -> dict[str, Any]:
        """Return the envelope; what is empty is left out."""
        optional = {
            "job_id": self.job_id,
            "result": self.result,
            "error": self.error,
            "error_kind": self.error_kind,
            "reused": self.reused or None,
        }
        present = {name: value for name, value in optional.items() if value is not None}
        return {"intent": self.intent, "state": self.state.value, **present}

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Entry:
        """Read an envelope. :raises ValueError: it is none."""
        try:
            return cls(
                intent=payload["intent"],
                state=State(payload["state"]),
                job_id=payload.get("job_id"),
                result=payload.get("result"),
                error=payload.get("error"),
                error_kind=payload.get("error_kind"),
                reused=payload.get("reused", False),
            )
        except KeyError as error:
            raise ValueError(f"an entry without {error}") from error

    def row(self, document: str) -> dict[str, Any]:
        """Return the row of a document that is done."""
        row: dict[str, Any] = {"document": document, "intent": self.intent}
        if self.job_id is not None:
            row["job_id"] = self.job_id
        if self.state is State.FAILED:
            return row | {"error": self.error, "error_kind": self.error_kind}
        fields = {name: value for name, value in (self.result or {}).items() if name not in OWN_FIELDS}
        return row | fields | ({"reused": True} if self.reused else {})

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Entry | None:
        """Take the result over from the row of an earlier output; ``None`` where the row has none."""
        if row.get("error") is not None or not isinstance(row.get("intent"), str) or "classification" not in row:
            return None
        result = {name: value for name, value in row.items() if name not in OWN_FIELDS}
        return cls(row["intent"], State.CLASSIFIED, row.get("job_id"), result=result, reused=True)


def encode(entry: Entry) -> bytes:
    """
    Return an entry as a line of JSON.

    :raises InvalidReply: what a server sent has a number or text that JSON cannot hold (NaN, half a character).
    """
    return encode_line(entry.to_json())


def encode_line(payload: Mapping[str, Any]) -> bytes:
    """Return an object as a line of JSON. :raises InvalidReply: as :func:`encode`."""
    try:
        return json.dumps(payload, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except ValueError as error:  # UnicodeEncodeError is one
        raise InvalidReply(
            f"The result of job {payload.get('job_id')!r} has a value that JSON cannot hold ({type(error).__name__}); "
            "report it to the provider of the API."
        ) from error


def decode_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any] | None]:
    """
    Yield the objects of JSON lines; ``None`` for a line that is none.

    A process that is killed and a full disk leave half a line behind.
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            payload = json.loads(line)
        except ValueError:  # UnicodeDecodeError is one
            payload = None
        yield payload if isinstance(payload, dict) else None
