"""
Score the layout of a page: the points that a type gains or loses by its expected geometry and style.

The two tables at the end have a rule for each geometry and style. A rule that does not apply to a page returns 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_classify.engine.knowledge.document_type import Geometry, Style
from airflow_provider_classify.engine.scoring.features import Features

#: Height divided by width: only till rolls exceed TILL_ROLL; most till rolls exceed LONG_SLIP.
TILL_ROLL, LONG_SLIP = 1.9, 1.5
#: Height divided by width: the least and the most of a card or slide, the most of a slide with a text layer, and the
#: least of a sheet in portrait.
WIDE_LEAST, WIDE_MOST, WIDE_MOST_TEXT_LAYER, PORTRAIT = 0.5, 0.85, 0.8, 1.2
#: The most characters of a usual card, and the most of any card.
CARD_TEXT, TOO_MUCH_FOR_A_CARD = 700, 1200
#: The most characters of a short text.
SHORT_TEXT = 1500
#: A slide with fewer characters is sparse.
SPARSE_SLIDE = 500
#: The most characters of a page of a book, form or contract. A newspaper page has more.
BROADSHEET = 9000
#: The fewest lines of a newspaper page. Letters and notes by hand have fewer.
PRESS_LINES = 20
#: With this many points of cues, running text counts in full for a newspaper page. With fewer points, the text may be
#: science, law or a book.
PRESS_CUES = 5.0
#: The least height of a line of a slide, as a share of the slide's height. The lines of forms are lower.
SLIDE_PRINT = 0.03
#: The least share of running text on a page that is mostly running text.
MOSTLY_PROSE = 0.5
#: Running text by hand: the most lines of a page, the least median width of a line as a share of the page's width, the
#: legibility below which a page may be handwritten, how far below it counts in full, and the points.
HAND_LINES, HAND_WIDTH, HAND_LEGIBILITY, HAND_DOUBT, HAND_POINTS = 35, 0.5, 0.95, 0.1, 1.5
#: A page with at least SHEET_LINES lines in narrow columns is no poster or leaflet: these types get SHEET_COST points.
SHEET_LINES, SHEET_COST = 100, -2.5
#: The most lines of a poster.
POSTER_LINES = 24
#: The least share of the page that a picture covers. A logo, a stamp or a signature covers less.
PICTURE = 0.1
#: The most characters of a page with a line or two, whose layout is weak evidence.
LITTLE_TEXT = 120


#: Returns the points that a type gains by its geometry, or loses if negative. Takes the page's features and the points
#: of the type's cues on the page.
GeometryRule = Callable[[Features, float], float]
#: Returns the points that a type gains by its style, or loses if negative; 0 on pages with a line or two.
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
    """Return whether narrow lines are side by side below large print. Tables of amounts do not count."""
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
    """Return whether a page has many narrow columns and no prices, as a newspaper has."""
    return page.lines >= SHEET_LINES and page.line_width < 0.2 and page.amounts <= 2


def prose_points(page: Features) -> float:
    """Return the points for running text, 0 to 1."""
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
