"""
Reduce a type's score on a page with very little text.

On a full page, a type that fits has many cues and scores more than one that does not. On a page with one sentence,
a single common word ("experience") would outweigh everything else. So the score is reduced where evidence is missing.
A share of the points always remains, so that the few words of the page still rank the types.
"""

from __future__ import annotations

from airflow_provider_classify.engine.page import Page

#: A page with at most EMPTY_TEXT characters counts as empty; one with ENOUGH_TEXT or more has enough text.
EMPTY_TEXT, ENOUGH_TEXT = 90, 220
#: Characters that are added for each line, because a list or a slide has more evidence than one sentence.
LINE = 18
#: One character of a script without spaces counts as this many letters of other scripts.
UNSPACED_CHARACTER = 3
#: With these points of evidence, a type loses no points: about two decisive cues, or a heading that names the type.
ENOUGH_EVIDENCE = 4.5
#: The most points that a type loses. It loses them on a page that counts as empty and has no evidence.
MOST_DOUBT = 5.0
#: The share of its points that a type loses at most.
MOST_OF_POINTS = 0.8


def emptiness(page: Page, characters: int, *, is_unspaced: bool) -> float:
    """Return how empty a page is, from 0 (enough text) to 1 (very little text)."""
    amount = characters * (UNSPACED_CHARACTER if is_unspaced else 1) + LINE * (len(page.lines) + len(page.unread))
    return min(1.0, max(0.0, (ENOUGH_TEXT - amount) / (ENOUGH_TEXT - EMPTY_TEXT)))


def doubt(points: float, evidence: float, emptiness: float) -> float:
    """
    Return the points that a type loses.

    :param points: the points of the type for the words of the page.
    :param evidence: the points of the type's cues on the page, of its title as a heading, and of a fitting layout.
    :param emptiness: how empty the page is, 0 to 1.
    """
    missing = 1.0 - min(1.0, max(0.0, evidence) / ENOUGH_EVIDENCE) ** 2
    return min(points * MOST_OF_POINTS, MOST_DOUBT * missing * emptiness)
