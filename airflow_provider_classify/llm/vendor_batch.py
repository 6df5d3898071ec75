"""The file of a vendor batch, a batch at the model's provider. It is beside the record of the task's batch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import StorageNotFound


@dataclass(frozen=True, slots=True)
class VendorBatch:
    """
    A batch at the provider, as its file stores it.

    :param key: the idempotency key of the batch at the provider.
    :param pages: the numbers of the pages that each of its documents has.
    :param documents: the content of each document without text and pictures, by the fingerprint of its item, in the
        order of the requests.
    :param batch_id: the provider's id; ``None`` until the batch is submitted.
    :param since: the time before the submit, in ISO 8601.
    """

    key: str
    pages: tuple[int, ...]
    documents: Mapping[str, Mapping[str, Any]]
    batch_id: str | None
    since: str

    @property
    def fingerprint(self) -> str:
        """A hash of the documents' fingerprints."""
        return hashlib.sha256(json.dumps(list(self.documents)).encode()).hexdigest()

    def save(self, folder: str) -> None:
        """Write the file. :raises StorageError: it cannot be written."""
        fields = {"key": self.key, "pages": self.pages, "documents": self.documents}
        data = json.dumps(fields | {"batch_id": self.batch_id, "since": self.since})
        (StoragePath(folder) / f"{self.key}.vendor.json").write_bytes(data.encode())

    def delete(self, folder: str) -> None:
        """Delete the file."""
        (StoragePath(folder) / f"{self.key}.vendor.json").delete()

    @classmethod
    def load_all(cls, folder: str) -> list[Self]:
        """Return the vendor batches of earlier tries."""
        try:
            files = [file for file in StoragePath(folder).list_files() if file.endswith(".vendor.json")]
        except StorageNotFound:
            return []
        found = [json.loads(StoragePath(file).read_bytes()) for file in files]
        return [cls(**{**fields, "pages": tuple(fields["pages"])}) for fields in found]
