"""From points to an answer."""

from __future__ import annotations

import math

import pytest

from airflow_provider_classify.engine.confidence import (
    POINTS_OF_NONE,
    POINTS_OF_UNKNOWN,
    UNCLAIMED_COST,
    combine,
    is_sure,
    least_of_none,
    page_weight,
    points_of_none,
    softmax,
    trust,
)


def test_shares_sum_to_one_and_keep_the_order() -> None:
    shares = softmax([1.0, 3.0, 2.0])
    assert sum(shares) == pytest.approx(1.0)
    assert shares[1] > shares[2] > shares[0]
    assert softmax([1000.0, 0.0]) == pytest.approx([1.0, 0.0])
    assert softmax([2.0, 2.0]) == [0.5, 0.5]


def test_little_text_and_bad_print_bring_points_together() -> None:
    assert trust(1000, 0.98) == 1.0
    assert 0 < trust(10, 1.0) < 1
    assert 0 < trust(1000, 0.5) < 1


def test_the_first_page_and_a_full_one_weigh_most() -> None:
    assert page_weight(True, 2000) > page_weight(False, 2000) > page_weight(False, 20) > 0


def test_pages_are_averaged_by_weight() -> None:
    assert combine([([4.0, 0.0], 1.0), ([0.0, 4.0], 1.0)]) == [2.0, 2.0]
    assert combine([([4.0, 0.0], 3.0), ([0.0, 4.0], 1.0)]) == [3.0, 1.0]


def test_what_no_category_claims_speaks_for_none_of_them() -> None:
    assert points_of_none([9.0, 8.0], [1.0, 1.0], 1.5) == 1.5
    assert points_of_none([9.0, 8.0], [1.0, 0.0], 1.5) == 8.0 - UNCLAIMED_COST
    assert points_of_none([9.0, 8.0], [0.6, 1.0], 1.5) == pytest.approx(9.0 + math.log(0.4) - UNCLAIMED_COST)
    assert points_of_none([-5.0], [0.0], 1.5) == 1.5


def test_a_category_that_is_not_known_never_has_more_than_none_by_chance() -> None:
    assert least_of_none(all_known=False) >= POINTS_OF_UNKNOWN
    assert least_of_none(all_known=True) == POINTS_OF_NONE


def test_more_sureness_is_asked_while_most_of_a_page_is_unread() -> None:
    assert is_sure(0.985, lines=18, unread=3)
    assert not is_sure(0.99, lines=9, unread=60)
    assert is_sure(0.998, lines=9, unread=60)
    assert not is_sure(0.9, lines=40, unread=0)
