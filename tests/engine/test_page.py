"""Lines in reading order."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.page import Line, by_place


@pytest.mark.parametrize("height", [0.3, 0.05, 0.03])
def test_lines_beside_each_other_stay_in_order_at_any_size(height: float) -> None:
    top = 0.0
    left = Line("left", height, 0.1, top + height / 20, 0.3, top + height * 1.05)
    right = Line("right", height, 0.4, top, 0.6, top + height)
    below = Line("below", height, 0.1, top + 1.8 * height, 0.3, top + 2.8 * height)
    assert by_place([below, right, left], 1.4) == (left, right, below)
