"""Create pages from lines of text, as the reader returns them."""

from __future__ import annotations

from airflow_provider_classify.engine.page import Line, Page, TextSource


def page_of(
    *lines: str,
    number: int = 1,
    width: float = 595.0,
    height: float = 842.0,
    source: TextSource = "text_layer",
    sizes: dict[str, float] | None = None,
    top: float = 0.05,
) -> Page:
    """
    Return a page with the lines below each other.

    :param sizes: the height of lines in points, by their text; the others are 11 points high.
    :param top: where the first line begins, as a share of the page's height.
    """
    step = min(0.03, (0.95 - top) / max(1, len(lines)))
    return Page(
        number=number,
        width=width,
        height=height,
        lines=tuple(
            Line(text, (sizes or {}).get(text, 11.0), 0.1, top + n * step, 0.9, top + (n + 0.7) * step)
            for n, text in enumerate(lines)
        ),
        source=source,
    )
