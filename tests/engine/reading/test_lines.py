"""Lines that a file keeps in pieces."""

from __future__ import annotations

from airflow_provider_classify.engine.reading.lines import Piece, joined


def piece(text: str, x0: float, x1: float, y: float = 100.0) -> Piece:
    return Piece(text, 10.0, x0, y, x1, y + 12)


def texts(*pieces: Piece) -> list[str]:
    return [line.text for line in joined(pieces)]


def test_words_and_parts_of_words_become_a_line() -> None:
    (line,) = joined([piece("Plat", 0, 20), piece("form", 20.5, 40), piece("for", 43, 55), piece("all", 58, 66, y=101)])
    assert (line.text, line.size, line.pieces) == ("Platform for all", 10.0, [0, 1, 2, 3])
    assert (line.x0, line.y0, line.x1, line.y1) == (0, 100.0, 66, 113.0)


def test_columns_and_rows_stay_apart() -> None:
    assert texts(piece("Total", 0, 30), piece("12.00", 200, 230)) == ["Total", "12.00"]
    assert texts(piece("one", 0, 20), piece("two", 22, 40, y=112)) == ["one", "two"]
    assert texts(piece("two", 60, 80), piece("one", 0, 20)) == ["two", "one"]


def test_lines_that_run_up_the_page_stay_apart() -> None:
    one, other = Piece("one line", 10.0, 0, 100, 12, 180), Piece("another line", 10.0, 12, 100, 24, 180)
    assert texts(one, other) == ["one line", "another line"]


def test_nothing() -> None:
    assert joined([]) == []
