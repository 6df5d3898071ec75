"""
The plan of a batch in a file: its task and its documents. While the file exists, the task owns the output.

The file is in the folder of the batch's record, and its name is that of the task.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_classify.batch.plan import Item
from airflow_provider_classify.batch.task_address import HasEnded, TaskAddress
from airflow_provider_classify.documents.object_storage import StoragePath
from airflow_provider_classify.exceptions import BatchRecordLost, BatchRecordNotReadable, OutputInUse, StorageNotFound

#: The version of the record's format.
VERSION = 2


class PlanFile:
    """
    The plan of one task.

    :param folder: the folder of the record.
    """

    def __init__(self, folder: StoragePath, task: TaskAddress) -> None:
        self._folder = folder
        self._task = task
        self._file = folder / f"{task.safe_name}.json"
        self._exists = False  # whether an earlier try has left a plan

    def require_sole_use(self, has_ended: HasEnded) -> None:
        """
        Raise an error if another task has a record for the same output and may still write it.

        :param has_ended: returns whether another task has ended.
        :raises OutputInUse: another task has a record and has not ended.
        :raises BatchRecordNotReadable: another version of this package wrote a record in the folder.
        """
        for file in self._list_folder():
            name = file.rpartition("/")[2]
            if file == self._file.reference:
                self._exists = True
                continue
            if name == "plan.json" or name.endswith(".jsonl"):
                raise BatchRecordNotReadable(
                    f"The record of the batch in {self._folder.label} was written by another version of this package; "
                    "finish the batch with that version, or delete the folder to classify its documents again."
                )
            if name.endswith(".json") and not name.startswith("."):
                other = _read(StoragePath(file)).task
                if not has_ended(other):
                    raise OutputInUse(
                        f"The output of {self._task} is in use by {other}, whose record is in {self._folder.label}; "
                        "give each task an output of its own, with {{ run_id }} or {{ ti.map_index }} in its name, or "
                        "delete the folder if that task will not run again."
                    )

    def claim(self, items: Sequence[Item], has_ended: HasEnded, *, output_is_complete: bool = False) -> None:
        """
        Write the plan, which shows other tasks that the output is in use.

        :param output_is_complete: see :meth:`write`.
        :raises OutputInUse: another task has claimed the output at the same moment. Both may be refused.
        """
        self.write(items, output_is_complete=output_is_complete)
        try:
            self.require_sole_use(has_ended)
        except OutputInUse:
            self.delete()
            raise

    def write(self, items: Sequence[Item], *, output_is_complete: bool = False) -> None:
        """
        Record the documents of this try, because their folder may have other files when the task resumes.

        :param output_is_complete: whether the output has the rows of this task, so that the entries may be deleted.
        """
        documents = [[item.document, item.fingerprint] for item in items]
        plan = {"version": VERSION, "task": self._task.to_json(), "documents": documents}
        if output_is_complete:
            plan["output_is_complete"] = True
        self._file.write_bytes(json.dumps(plan, ensure_ascii=False).encode())

    def read_items(self) -> list[Item]:
        """
        Return the documents of this try.

        :raises BatchRecordLost: there is no plan, for example because it is in a local folder of another machine.
        """
        try:
            return _read(self._file).items
        except StorageNotFound as error:
            raise BatchRecordLost(
                f"The record of the batch in {self._folder.label} does not exist here; "
                "give the task an output on a storage that all workers and triggerers reach."
            ) from error

    def has_complete_output(self) -> bool:
        """
        Return whether an earlier try of the task has written its output, and was killed before it ended.

        Call :meth:`require_sole_use` first, which finds the plan of that try.

        :raises BatchRecordNotReadable: the plan is damaged.
        """
        return self._exists and _read(self._file).output_is_complete

    def delete(self) -> None:
        """Delete the file, so that other tasks may write the output."""
        self._file.delete()

    def _list_folder(self) -> list[str]:
        try:
            return self._folder.list_files()
        except StorageNotFound:
            return []


@dataclass(frozen=True, slots=True)
class _Plan:
    task: TaskAddress
    items: list[Item]
    output_is_complete: bool


def _read(file: StoragePath) -> _Plan:
    data = file.read_bytes()
    try:
        plan = json.loads(data)
        if plan["version"] != VERSION:
            raise ValueError(f"version {plan['version']}")
        items = [Item(document, fingerprint) for document, fingerprint in plan["documents"]]
        return _Plan(TaskAddress.from_json(plan["task"]), items, plan.get("output_is_complete") is True)
    except (ValueError, KeyError, TypeError) as error:
        raise BatchRecordNotReadable(
            f"The plan of a batch in {file.label} is damaged or of another version of this package; "
            "delete the file and the folder of the same name to classify the documents again."
        ) from error
