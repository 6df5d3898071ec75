"""Categories whose names are paths."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.categories.category_paths import inner_nodes, path_of, sums_of_nodes, without_path
from airflow_provider_classify.engine.categories.meanings import Meaning, meanings_of
from airflow_provider_classify.engine.categories.related_types import BY_PARENT
from airflow_provider_classify.engine.knowledge.load import load_knowledge
from airflow_provider_classify.model.categories import Category


def meant(*names: str) -> list[Meaning]:
    return meanings_of([Category(name) for name in names], load_knowledge())


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("invoice", ("invoice",)),
        ("finance/invoice", ("finance", "invoice")),
        ("/finance/in coming/invoice/", ("finance", "in coming", "invoice")),
        ("datasheet / manual", ("datasheet / manual",)),
        ("/", ("/",)),
        ("//", ("//",)),
    ],
)
def test_steps_of_a_name(name: str, path: tuple[str, ...]) -> None:
    assert path_of(name) == path


def test_a_node_has_all_categories_below_it_and_itself() -> None:
    names = ["finance", "finance/in/invoice", "finance/in/receipt", "finance/out/invoice", "letter"]
    assert inner_nodes(names) == {
        "finance": (0, 1, 2, 3),
        "finance/in": (1, 2),
        "finance/out": (3,),
    }
    assert inner_nodes(["invoice", "letter"]) == {}


def test_sums_of_nodes() -> None:
    nodes = inner_nodes(["finance/invoice", "finance/receipt", "legal/contract"])
    assert sums_of_nodes(nodes, [0.5, 0.375, 0.125]) == {"finance": 0.875, "legal": 0.125}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("finance/invoice", "invoice"),
        ("tax/form", "tax form"),
        ("form/tax", "tax form"),
        ("2024/tax/form", "tax form"),
        ("invoice", "invoice"),
    ],
)
def test_a_path_as_one_says_it(path: str, name: str) -> None:
    assert without_path(Category(path), {"tax form", "invoice", "form"}.__contains__).name == name


def test_a_path_keeps_what_its_category_says() -> None:
    category = Category("finance/slip", "Small papers.", ("slip.pdf",))
    assert without_path(category, bool).examples == ("slip.pdf",)
    assert without_path(category, lambda _: False).description == "Small papers. finance"


def test_the_last_step_is_the_name() -> None:
    invoice, receipt, contract = meant("finance/invoices", "finance/Kassenbons", "legal/contract")
    assert (invoice.types["invoice"], receipt.types["receipt"], contract.types["contract"]) == (1.0, 1.0, 1.0)
    assert invoice.is_exact
    assert "receipt" not in invoice.types


def test_what_only_the_steps_above_mean_counts_for_all_below_them() -> None:
    lease, employment = meant("contract/lease", "contract/work")
    assert lease.types["lease agreement"] == 1.0
    assert lease.types["contract"] == BY_PARENT
    assert "contract" in employment.types
    lease, contract = meant("contract/lease", "contract")
    assert "contract" not in lease.types
    assert contract.types["contract"] == 1.0


def test_the_same_last_step_twice_means_the_same_type() -> None:
    for meaning in meant("hr/form", "legal/form"):
        assert meaning.types["form"] == 1.0
