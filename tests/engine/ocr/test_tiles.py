"""Long pictures are cut into tiles that overlap."""

from __future__ import annotations

import itertools

import pytest

from airflow_provider_classify.engine.ocr.scale import MAX_SIDE, PAGE_SIDE, SHORT_SIDE, reading_scale
from airflow_provider_classify.engine.ocr.tiles import FIRST_TILES, LAST_TILES, TILE_SHAPE, tiles_of


@pytest.mark.parametrize("length", [100, 990, 2400])
def test_an_ordinary_picture_is_one_tile(length: int) -> None:
    (tile,) = tiles_of(length, 1000)
    assert (tile.start, tile.end) == (0, length)


@pytest.mark.parametrize("length", [2500, 4937, 7777, 15_000])
def test_tiles_cover_a_long_picture_and_overlap(length: int) -> None:
    tiles = tiles_of(length, 1000)
    assert (tiles[0].start, tiles[-1].end) == (0, length)
    for one, other in itertools.pairwise(tiles):
        assert other.start < one.owned_to == other.owned_from < one.end
    assert all(tile.end - tile.start <= TILE_SHAPE * 1000 + 1 for tile in tiles)


def test_of_an_endless_picture_the_head_and_the_foot_are_read() -> None:
    tiles = tiles_of(1_000_000, 100)
    assert len(tiles) == FIRST_TILES + LAST_TILES
    assert (tiles[0].start, tiles[-1].end) == (0, 1_000_000)


def test_a_picture_of_no_width_has_tiles() -> None:
    assert tiles_of(10_000, 1)
    assert tiles_of(1, 0)


def test_scale_follows_the_shape() -> None:
    assert reading_scale(595, 842) == pytest.approx(PAGE_SIDE / 842)
    assert reading_scale(4938, 640) == pytest.approx(SHORT_SIDE / 640)
    assert reading_scale(1, 14_400) == pytest.approx(MAX_SIDE / 14_400)
