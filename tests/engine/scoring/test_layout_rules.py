"""The rules on layout, one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from airflow_provider_classify.engine.knowledge.document_type import Geometry, Style
from airflow_provider_classify.engine.scoring.features import Features
from airflow_provider_classify.engine.scoring.layout_rules import geometry_rule, style_rule

#: A sheet of print, recognised by OCR.
SHEET = Features(
    height_ratio=1.41, characters=1000, lines=30, line_width=0.6, line_size=0.02, side_by_side=1.0, largest=1.2,
    is_ocr=True, prose=0.5, amounts=0, pictured=0.0, legibility=0.97,
)  # fmt: skip


@pytest.mark.parametrize(
    ("geometry", "changes", "points"),
    [
        (Geometry.NARROW, {"height_ratio": 2.5}, 1.5),
        (Geometry.NARROW, {"height_ratio": 1.7}, 0.5),
        (Geometry.NARROW, {"height_ratio": 0.7}, -0.7),
        (Geometry.NARROW, {"height_ratio": 2.5, "is_ocr": False}, 0.0),
        (Geometry.SHEET, {"height_ratio": 2.5}, -1.0),
        (Geometry.SHEET, {}, 0.0),
        (Geometry.CARD, {"height_ratio": 0.63, "characters": 100}, 1.2),
        (Geometry.CARD, {"height_ratio": 0.63, "characters": 300}, 0.2),
        (Geometry.CARD, {"characters": 2000, "prose": 0.0}, -2.5),
        (Geometry.CARD, {"is_ocr": False, "prose": 0.0}, -1.0),
        (Geometry.SHORT, {"characters": 2000}, -1.5),
        (Geometry.SHORT, {}, 0.0),
        (Geometry.LANDSCAPE, {"height_ratio": 0.6, "is_ocr": False, "characters": 100}, 4.0),
        (Geometry.LANDSCAPE, {"height_ratio": 0.6, "is_ocr": False}, 3.0),
        (Geometry.LANDSCAPE, {"height_ratio": 0.6, "line_size": 0.05, "characters": 100}, 2.2),
        (Geometry.LANDSCAPE, {"height_ratio": 0.6, "line_size": 0.05}, 1.6),
        (Geometry.LANDSCAPE, {"height_ratio": 0.6}, 0.0),
        (Geometry.LANDSCAPE, {}, -1.5),
        (Geometry.LANDSCAPE, {"height_ratio": 1.0}, 0.0),
        (Geometry.PRESS, {"characters": 9500}, 2.0),
        (Geometry.PRESS, {}, 0.5),
        (Geometry.PRESS, {"lines": 60, "line_width": 0.2, "side_by_side": 3.0, "largest": 2.5}, 1.3),
        (Geometry.PRESS, {"lines": 10}, 0.0),
        (Geometry.FIELDS, {"lines": 50, "line_width": 0.05, "side_by_side": 2.0}, 0.8),
        (Geometry.FIELDS, {"lines": 50}, 0.0),
        (Geometry.HANDWRITTEN, {"legibility": 0.8, "prose": 1.0}, 1.5),
        (Geometry.HANDWRITTEN, {"legibility": 0.8, "prose": 1.0, "lines": 60}, 0.0),
        (Geometry.HANDWRITTEN, {}, 0.0),
        (Geometry.SPARSE, {"lines": 10, "largest": 2.0, "pictured": 0.3}, 1.8),
        (Geometry.SPARSE, {"lines": 10, "largest": 2.0}, 1.0),
        (Geometry.SPARSE, {"lines": 150, "line_width": 0.1}, -2.5),
        (Geometry.SPARSE, {"lines": 150, "line_width": 0.1, "amounts": 9}, 0.0),
        (Geometry.SPARSE, {"lines": 10, "largest": 2.0, "is_ocr": False}, 0.0),
    ],
)
def test_geometry(geometry: Geometry, changes: dict[str, float], points: float) -> None:
    assert geometry_rule(geometry)(replace(SHEET, **changes), 5.0) == pytest.approx(points)


@pytest.mark.parametrize(
    ("style", "changes", "points"),
    [
        (Style.PROSE, {}, 0.5),
        (Style.PROSE, {"characters": 100}, 0.0),
        (Style.AMOUNTS, {}, -1.6),
        (Style.AMOUNTS, {"amounts": 1, "prose": 0.0}, 0.0),
        (Style.AMOUNTS, {"amounts": 5, "prose": 0.0}, 0.5),
        (Style.AMOUNTS, {"characters": 100}, 0.0),
    ],
)
def test_style(style: Style, changes: dict[str, float], points: float) -> None:
    assert style_rule(style)(replace(SHEET, **changes)) == pytest.approx(points)


def test_each_geometry_and_style_has_a_rule() -> None:
    for geometry in Geometry:
        geometry_rule(geometry)
    for style in Style:
        style_rule(style)
