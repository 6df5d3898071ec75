"""
Rules on the layout of a page: what a type's expected geometry and style add or cost, in points.

Each rule is a function of the page's features, and one of the two tables at the end names it. A rule that does
not apply to a page gives 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_classify.engine.knowledge.load import Geometry, Style
from airflow_provider_classify.engine.scoring.features import Features

#: Height by width: only till rolls exceed the first, most till rolls the second.
TILL_ROLL, LONG_SLIP = 1.9, 1.5
#: Height by width of cards and slides, and from what it is a sheet in portrait.
WIDE_LEAST, WIDE_MOST, WIDE_MOST_TEXT_LAYER, PORTRAIT = 0.5, 0.85, 0.8, 1.2
#: Characters on a card at most, and a number that no card has.
CARD_TEXT, TOO_MUCH_FOR_A_CARD = 700, 1200
#: Characters beyond which a text is not short.
SHORT_TEXT = 1500
#: Characters below which a slide is sparse.
SPARSE_SLIDE = 500
#: Characters that no page of a book, form or contract has.
BROADSHEET = 9000
#: A page of print has at least so many lines; letters and notes by hand have fewer.
PRESS_LINES = 20
#: Running text in print is the press's as far as its cues add up to this: it may be science, law or a book as well.
PRESS_CUES = 5.0
#: The print of slides can be read from afar: lines are this high, as a share of the slide. Forms' are lower.
SLIDE_PRINT = 0.03
#: A page is mostly running text from this share on.
MOSTLY_PROSE = 0.5
#: Running lines by hand: at most so many on a page, over this share of its width. OCR is less sure of them than of any
#: print, by so much if it hardly knows the hand, and they are worth so many points.
HAND_LINES, HAND_WIDTH, HAND_LEGIBILITY, HAND_DOUBT, HAND_POINTS = 35, 0.5, 0.95, 0.1, 1.5
#: Lines that no poster or leaflet has in narrow columns, and what it costs one to be on such a page.
SHEET_LINES, SHEET_COST = 100, -2.5
#: A poster has at most so many lines.
POSTER_LINES = 24
#: A picture, rather than a logo, a stamp or a signature, takes this share of the page.
PICTURE = 0.1
#: Characters of a page with a line or two, whose layout says little.
LITTLE_TEXT = 120


#: Returns what a type's geometry adds on a page, or costs where negative. The number is that of the points of the
#: type's cues on the page.
GeometryRule = Callable[[Features, float], float]
#: Returns what a type's style adds on a page, or costs; 0 on pages with a line or two.
StyleRule = Callable[[Features], float]


def geometry_rule(geometry: Geometry) -> GeometryRule:
    """Return the rule of a geometry."""
    return _GEOMETRY_RULES[geometry]


def style_rule(style: Style) -> StyleRule:
    """Return the rule of a style."""
    return _STYLE_RULES[style]


def _narrow(page: Features, cues: float) -> float:
    if not page.is_ocr:
        return 0.0
    if page.height_ratio > TILL_ROLL:
        return 1.5
    if page.height_ratio > LONG_SLIP:
        return 0.5
    return -0.7 if page.height_ratio < 1.0 else 0.0


def _sheet(page: Features, cues: float) -> float:
    return -1.0 if page.is_ocr and page.height_ratio > TILL_ROLL else 0.0


def _card(page: Features, cues: float) -> float:
    prose = 2.0 * page.prose if page.characters > LITTLE_TEXT else 0.0
    if page.is_ocr and page.characters < CARD_TEXT and WIDE_LEAST < page.height_ratio < WIDE_MOST:
        return 1.2 * min(1.0, cues / 2.5) - prose
    if page.characters > TOO_MUCH_FOR_A_CARD:
        return -2.5 - prose
    return -prose if page.is_ocr else -1.0 - prose


def _short(page: Features, cues: float) -> float:
    return -1.5 if page.characters > SHORT_TEXT else 0.0


def _landscape(page: Features, cues: float) -> float:
    is_sparse = page.characters < SPARSE_SLIDE
    if WIDE_LEAST < page.height_ratio < WIDE_MOST_TEXT_LAYER and not page.is_ocr:
        return 4.0 if is_sparse else 3.0
    if WIDE_LEAST < page.height_ratio < WIDE_MOST and page.is_ocr:
        if page.line_size < SLIDE_PRINT:
            return 0.0
        return 2.2 if is_sparse and page.lines > 4 else 1.6
    if page.height_ratio > PORTRAIT:
        return -0.3 if page.is_ocr and page.characters < 450 else -1.5
    return 0.0


def _press(page: Features, cues: float) -> float:
    if page.characters > BROADSHEET:
        return 2.0
    if not page.is_ocr or page.lines < PRESS_LINES or page.characters <= LITTLE_TEXT:
        return 0.0
    return page.prose * min(1.0, cues / PRESS_CUES) + (0.8 if _has_columns_and_headline(page) else 0.0)


def _has_columns_and_headline(page: Features) -> bool:
    """Whether narrow lines stand side by side below large print. Invoices have that too, with amounts for prose."""
    has_columns = page.lines >= 40 and page.line_width < 0.3 and page.side_by_side >= 1.2
    return has_columns and page.largest >= 1.9 and (page.amounts <= 2 or page.prose >= MOSTLY_PROSE)


def _handwritten(page: Features, cues: float) -> float:
    if not page.is_ocr or page.lines > HAND_LINES or page.line_width <= HAND_WIDTH:
        return 0.0
    doubt = (HAND_LEGIBILITY - page.legibility) / HAND_DOUBT
    return HAND_POINTS * page.prose * min(1.0, max(0.0, doubt))


def _fields(page: Features, cues: float) -> float:
    return 0.8 if page.lines >= 40 and page.line_width < 0.1 and page.side_by_side > 1.5 else 0.0


def _sparse(page: Features, cues: float) -> float:
    if not page.is_ocr:
        return 0.0
    if _is_sheet_of_columns(page):
        return SHEET_COST
    if page.lines > POSTER_LINES or page.height_ratio <= 1.0:
        return 0.0
    return (1.0 if page.largest > 1.7 else 0.0) + (0.8 if page.pictured > PICTURE else 0.0)


def _is_sheet_of_columns(page: Features) -> bool:
    """Whether a page has many narrow columns and no prices: a newspaper, whose advertisements OCR reads first."""
    return page.lines >= SHEET_LINES and page.line_width < 0.2 and page.amounts <= 2


def prose_points(page: Features) -> float:
    """Return what the style of running text adds, 0 to 1."""
    return page.prose if page.characters > LITTLE_TEXT else 0.0


def _amounts(page: Features) -> float:
    if page.characters <= LITTLE_TEXT:
        return 0.0
    return -1.2 * page.prose + (0.5 if page.amounts >= 3 else -1.0 if page.amounts == 0 else 0.0)


_GEOMETRY_RULES: Mapping[Geometry, GeometryRule] = {
    Geometry.NARROW: _narrow,
    Geometry.CARD: _card,
    Geometry.SHEET: _sheet,
    Geometry.SHORT: _short,
    Geometry.LANDSCAPE: _landscape,
    Geometry.PRESS: _press,
    Geometry.FIELDS: _fields,
    Geometry.HANDWRITTEN: _handwritten,
    Geometry.SPARSE: _sparse,
}
_STYLE_RULES: Mapping[Style, StyleRule] = {Style.PROSE: prose_points, Style.AMOUNTS: _amounts}
