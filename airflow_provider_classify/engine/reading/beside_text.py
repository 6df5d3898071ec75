"""Decide whether pictures or outlines beside the text layer of a page may show more text than the text layer has."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_classify.engine.reading.lines import Box
from airflow_provider_classify.engine.reading.ocr_decision import Doubt, area_of, doubt_of
from airflow_provider_classify.engine.reading.page_drawing import Drawing
from airflow_provider_classify.engine.reading.page_pictures import PagePictures
from airflow_provider_classify.engine.reading.text_layer import TextLayer
from airflow_provider_classify.engine.reading.text_quality import amount_of_text

#: Text with fewer characters may be a letterhead, so all images of the page are compared with it.
SHORT_TEXT = 600
#: On a page with more text, images are compared with it if together they have this share of the page's area.
LARGE_IMAGE = 0.05
#: This many characters of text are mostly enough to classify a page. Images are compared with such text only if it was
#: not enough, and if together they have this share of the page's area.
LONG_TEXT, ILLUSTRATED = 1200, 0.15
#: A picture is read if it shows at least this many letters.
FEWEST_LETTERS = 24
#: It must also show this share of the number of characters in the text layer, or MANY_LETTERS.
SHARE_OF_TEXT, MANY_LETTERS = 0.3, 120
#: Text with fewer characters may be a stamp on a scan. Such a scan is read even if it shows few letters, because
#: handwriting and some scripts do not have the strokes of print.
STAMP = 100


def doubt_beside(pictures: PagePictures, layer: TextLayer, *, is_thorough: bool) -> Doubt:
    """
    Return how much of the page's content the text layer may lack.

    :param is_thorough: also compare small images beside much text.
    """
    amount = amount_of_text(layer.page)
    if amount >= LONG_TEXT:
        # Drawings and small images rarely change the classification of so much text.
        if not is_thorough or pictures.area < ILLUSTRATED:
            return Doubt.NONE
        boxes = pictures.boxes
        return doubt_of(_boxes(layer), boxes, ()) if sum(map(area_of, boxes)) >= ILLUSTRATED else Doubt.NONE
    are_wanted = is_thorough or amount < SHORT_TEXT or pictures.area >= LARGE_IMAGE
    return doubt_of(_boxes(layer), pictures.boxes if are_wanted else [], pictures.outlines)


def has_letters_beside(drawing: Drawing, pictures: PagePictures, layer: TextLayer) -> bool:
    """Return whether the page shows much text that is not in the text layer. ``drawing`` is in a low resolution."""
    from airflow_provider_classify.engine.reading.printed_letters import Strokes

    strokes = Strokes.of_drawing(drawing, layer.covering)
    amount = amount_of_text(layer.page)
    if strokes.letters() >= max(FEWEST_LETTERS, min(SHARE_OF_TEXT * amount, MANY_LETTERS)):
        return True
    return amount < STAMP and strokes.has_any() and pictures.is_scan


def _boxes(layer: TextLayer) -> Iterator[Box]:
    return ((line.x0, line.y0, line.x1, line.y1) for line in layer.covering)
