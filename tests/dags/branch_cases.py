"""Branch in every mode in one DAG. Its tests check which tasks ran and what is in XCom."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, Param, TaskGroup, task
from airflow.providers.standard.operators.empty import EmptyOperator

from airflow_provider_classify.operators.branch import ClassifyBranchOperator
from airflow_provider_classify.operators.classify import ClassifyOperator

RULES: dict[str, Any] = {
    "routes": {"invoice": "pay", "contract": ["legal", "archive"]},
    "review": "person",
    "minimum_confidence": 0.5,
}
LEGS = ("pay", "legal", "archive", "person")


def follow(branch: Any) -> None:
    """Set the legs, and a task that joins them, downstream of the branch."""
    legs = [EmptyOperator(task_id=name) for name in LEGS]
    branch >> legs >> EmptyOperator(task_id="join", trigger_rule="none_failed_min_one_success")


@task
def doubtful_result() -> dict[str, Any]:
    return {"document": "a.pdf", "classification": "invoice", "confidence": 0.4}


@task
def no_result() -> None:
    raise AirflowSkipException


with DAG(
    "branch_cases",
    schedule=None,
    params={"connection": Param(type="string"), "folder": Param(type="string"), "minimum": 0.5},
) as dag:
    common = {"classify_conn_id": "{{ params.connection }}"}
    contract = "{{ params.folder }}/contract.pdf"
    with TaskGroup("deferring"):
        follow(ClassifyBranchOperator(task_id="branch", document=contract, deferrable=True, **RULES, **common))
    with TaskGroup("waiting"):
        follow(
            ClassifyBranchOperator(
                task_id="branch",
                document="{{ params.folder }}/letter.pdf",
                categories=["invoice", "contract", "letter"],
                otherwise="archive",
                deferrable=False,
                **RULES | {"minimum_confidence": {"invoice": 1, "contract": 1, "letter": "{{ params.minimum }}"}},
                **common,
            )
        )
    with TaskGroup("of_result"):
        first = ClassifyOperator(
            task_id="classify", document="{{ params.folder }}/invoice.pdf", categories=["invoice", "contract"], **common
        )
        follow(ClassifyBranchOperator(task_id="branch", result=first.output, **RULES))
    with TaskGroup("of_a_doubtful_result"):
        follow(ClassifyBranchOperator(task_id="branch", result=doubtful_result(), **RULES))
    with TaskGroup("of_no_result"):
        follow(ClassifyBranchOperator(task_id="branch", result=no_result(), trigger_rule="all_done", **RULES))
    with TaskGroup("into_groups"):
        branch = ClassifyBranchOperator(
            task_id="branch",
            result=first.output,
            routes={"invoice": "accounting"},
            otherwise="filing",
            review="outside",
            minimum_confidence=0.5,
        )
        with TaskGroup("accounting") as accounting:
            EmptyOperator(task_id="book") >> EmptyOperator(task_id="pay")
        with TaskGroup("filing") as filing:
            EmptyOperator(task_id="file")
        branch >> [accounting, filing]
    branch >> EmptyOperator(task_id="outside")
    with TaskGroup("decorated"):

        @task.classify_branch(deferrable=True, **RULES, **common)
        def branch_on(name: str, params: dict[str, str]) -> str:
            return f"{params['folder']}/{name}"

        follow(branch_on("contract.pdf"))


with DAG(
    "decorator_cases",
    schedule=None,
    params={"connection": Param(type="string"), "folder": Param(type="string")},
) as decorator_dag:
    arguments: dict[str, Any] = {
        "categories": ["invoice", "contract", "letter"],
        "classify_conn_id": "{{ params.connection }}",
    }

    def document(name: str, params: dict[str, str]) -> str:
        return f"{params['folder']}/{name}"

    def documents(names: list[str], params: dict[str, str]) -> list[str]:
        return [f"{params['folder']}/{name}" for name in names]

    task.classify(task_id="waiting", deferrable=False, **arguments)(document)("contract.pdf")
    task.classify(task_id="deferring", deferrable=True, **arguments)(document)("contract.pdf")
    task.classify(task_id="mapped", **arguments)(document).expand(name=["invoice.pdf", "letter.pdf"])
    task.classify(task_id="list_waiting", deferrable=False, **arguments)(documents)(["invoice.pdf", "letter.pdf"])
    task.classify(task_id="list_deferring", deferrable=True, **arguments)(documents)(["contract.pdf", "letter.pdf"])
    task.classify(task_id="empty_list", **arguments)(documents)([])
    task.classify(task_id="nothing", **arguments)(lambda: None)()
