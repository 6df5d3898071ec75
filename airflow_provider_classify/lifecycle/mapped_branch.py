"""Wait until a branch in a mapped task group can skip the other instances of the group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_classify.exceptions import InstancesNotCreated
from airflow_provider_classify.lifecycle import compat

#: The pause before a task is started again to check the instances.
_PAUSE = timedelta(seconds=2)
#: The longest wait. The scheduler needs one or two passes, which take seconds.
_LONGEST_WAIT = timedelta(minutes=10)


def reschedule_until_created(context: Mapping[str, Any], task_ids: Sequence[str]) -> None:
    """
    Start the task again later, unless the instances that it may skip exist.

    Airflow creates the instances of a mapped task group task by task, in several passes of the scheduler. A fast branch
    could end before all instances exist, and an instance that does not exist cannot be skipped.

    :param task_ids: the tasks of the mapped task group that the branch may skip.
    :raises AirflowRescheduleException: not all exist yet. Airflow starts the task again, as the same try.
    :raises InstancesNotCreated: not all exist after ten minutes.
    """
    task_instance = context["ti"]
    found = compat.count_instances(task_instance, task_ids, task_instance.map_index) if task_ids else None
    if found is None or found >= len(task_ids):
        return
    since = task_instance.get_first_reschedule_date(context)
    if since is not None and datetime.now(UTC) - since > _LONGEST_WAIT:
        raise InstancesNotCreated(
            f"Airflow has not created the instances {task_instance.map_index} of all tasks that "
            f"{task_instance.task_id!r} may skip ({', '.join(task_ids)}); give them the trigger rule all_success or "
            "none_failed."
        )
    raise compat.reschedule(_PAUSE)
