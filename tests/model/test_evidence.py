"""How the evidence of a result is shown to people."""

from __future__ import annotations

import pytest

from airflow_provider_classify.model.evidence import described


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"text": "Invoice", "line": "Invoice no. 4711"}, ("Invoice no. 4711", True)),
        ({"text": "Invoice"}, ("Invoice", True)),
        ({"text": "layout", "page": 1}, ("the layout of the page", False)),
        ({"text": "look"}, ("the look of the page", False)),
        ({"text": "layout", "line": "The layout of the kitchen"}, ("The layout of the kitchen", True)),
        ({"text": "layout", "box": [0, 0, 1, 1]}, ("layout", True)),
        ({"text": ["layout"]}, (["layout"], True)),
        ({}, (None, True)),
    ],
)
def test_a_part_of_the_engine_is_no_quotation(found, expected):
    assert described(found) == expected
