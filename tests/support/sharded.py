"""Run the tasks of a batch in shards in this process."""

from __future__ import annotations

import inspect

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_classify.operators.base import ClassifyBaseOperator
from airflow_provider_classify.operators.batch import ClassifyBatchOperator
from airflow_provider_classify.operators.sharded_batch import classify_batch
from tests.support.context import context


def sharded(folder, shards=3, **arguments):
    """Return a DAG with a batch in shards."""
    arguments = {
        "documents": str(folder),
        "pattern": "**/*",
        "categories": ["letter", "invoice"],
        "output": f"{folder}.jsonl",
        "classify_conn_id": "service",
        "poll_interval": 1,
        "max_failed": 1,
        **arguments,
    }
    with DAG("dag") as dag:
        classify_batch(task_id="batch", shards=shards, **arguments)
    return dag


class Tasks:
    """Run the tasks of a group one by one, as an executor does."""

    def __init__(self, folder, run="run", shards=3, **arguments):
        self.dag = sharded(folder, shards, **arguments)
        self.run = run

    def context(self, task_id, map_index=-1, state="running"):
        it = context(state=state)
        it["ti"].task_id, it["ti"].map_index, it["ti"].run_id = task_id, map_index, self.run
        return it

    def plan(self):
        return self.dag.get_task("batch.plan").execute(self.context("batch.plan"))

    def shard(self, plan, index, **more):
        """Run a shard. ``more`` arguments replace those of the group."""
        arguments = {**self.dag.get_task("batch.shard").partial_kwargs, **plan[index]}
        classes = (ClassifyBaseOperator, ClassifyBatchOperator)
        own = {name for one in classes for name in inspect.signature(one.__init__).parameters}
        arguments = {name: value for name, value in arguments.items() if name in own - {"task_id", "kwargs"}}
        operator = ClassifyBatchOperator(task_id="shard", **{"poll_interval": 1, **arguments, **more})
        return operator.execute(self.context("batch.shard", index))

    def shards(self, plan):
        """Run all shards and return their manifests."""
        return [self.shard(plan, index) for index in range(len(plan))]

    def merge(self, plan, **more_context):
        operator = self.dag.get_task("batch.merge")
        operator.plan = plan
        return operator.execute({**self.context("batch.merge"), **more_context})
