"""
How much to doubt a type's score on a page that holds next to no text.

On a full page a type that fits has many cues, and a type that does not fit is beaten by one that does. On a page
with one sentence a single common word ("experience") beats everything else, so there its points count only as far
as the evidence reaches. A share of them always stays, so that the little there is still tells which type is the most
likely one.
"""

from __future__ import annotations

from airflow_provider_classify.engine.page import Page

#: Characters up to which a page is as good as empty, and from which on it has enough text.
NEXT_TO_NOTHING, ENOUGH_TEXT = 90, 220
#: Characters that a line counts for beside those it has: a list or a slide says more than one sentence.
LINE = 18
#: How many letters of other scripts a character of a script without spaces is worth.
UNSPACED_CHARACTER = 3
#: Evidence that leaves no doubt, in points: two decisive cues, or a heading that names the type.
ENOUGH_EVIDENCE = 4.5
#: Points that a type loses at most, on a page with next to no text and no evidence.
MOST_DOUBT = 5.0
#: The share of its points that a type loses at most.
MOST_OF_POINTS = 0.8


def emptiness(page: Page, characters: int, *, is_unspaced: bool) -> float:
    """Return how empty a page is, 0 (enough text) to 1 (next to none)."""
    amount = characters * (UNSPACED_CHARACTER if is_unspaced else 1) + LINE * (len(page.lines) + len(page.unread))
    return min(1.0, max(0.0, (ENOUGH_TEXT - amount) / (ENOUGH_TEXT - NEXT_TO_NOTHING)))


def doubt(points: float, evidence: float, emptiness: float) -> float:
    """
    Return the points that a type loses.

    :param points: what the words of the page say for the type.
    :param evidence: the weights of the type's cues on the page, of its title as a heading, and of a fitting shape.
    :param emptiness: of the page; see :func:`emptiness`.
    """
    missing = 1.0 - min(1.0, max(0.0, evidence) / ENOUGH_EVIDENCE) ** 2
    return min(points * MOST_OF_POINTS, MOST_DOUBT * missing * emptiness)
