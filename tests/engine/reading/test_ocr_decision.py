"""How much of what a page shows its text layer may lack, by where text and pictures lie."""

from __future__ import annotations

import pytest

from airflow_provider_classify.engine.reading.ocr_decision import Doubt, doubt_of

#: The lines of a full page, and of a page of one line.
FULL = [(0.1, 0.2 + row / 60, 0.9, 0.212 + row / 60) for row in range(40)]
SHORT = FULL[:1]
LOGO = (0.1, 0.02, 0.3, 0.1)
HALF_PAGE = (0.0, 0.5, 1.0, 1.0)
COLUMN = (0.1, 0.02, 0.6, 0.19)


@pytest.mark.parametrize(
    ("text", "image", "doubt"),
    [
        (FULL, LOGO, Doubt.NONE),
        (SHORT, LOGO, Doubt.MOST),
        (FULL, COLUMN, Doubt.NONE),
        (FULL[:20], COLUMN, Doubt.SOME),
        (FULL[:20], HALF_PAGE, Doubt.MOST),
        (FULL, FULL[3], Doubt.NONE),
    ],
)
def test_a_picture_counts_by_its_size_beside_the_text(
    text: list[tuple[float, ...]], image: tuple[float, ...], doubt: Doubt
) -> None:
    assert doubt_of(text, [image], []) is doubt
