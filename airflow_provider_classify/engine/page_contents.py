"""Represent the text and the pictures of a document's pages, for a classifier outside the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

#: The form in which a page is read. ``auto``: its text if the text layer has it, otherwise its picture. ``text``: its
#: text, with OCR if needed. ``images``: its picture. ``both``: its picture, and its text if the text layer has it. A
#: blank page, and a page that cannot be drawn, such as that of an e-mail, always give their text.
PageForm = Literal["auto", "text", "images", "both"]
PAGE_FORMS: tuple[PageForm, ...] = get_args(PageForm)


@dataclass(frozen=True, slots=True)
class PageContent:
    """
    The text or the picture of one page, or both.

    :param number: the number of the page, from 1.
    :param text: its text; empty if only the picture shows it.
    :param picture: a JPEG in Base64; ``None`` if only the text was read.
    :param is_blank: whether the page has neither text nor ink.
    :param error: why the page cannot be read; ``None`` if it can.
    """

    number: int
    text: str = ""
    picture: str | None = None
    is_blank: bool = False
    error: str | None = None

    @property
    def is_filled(self) -> bool:
        """Whether the page was read and is not blank."""
        return not self.is_blank and self.error is None


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """
    The text and the pictures of the first pages of a document.

    :param is_image: whether the document is an image of one page, whose result has no page results.
    :param read_from: the attachment or embedded file that the pages come from; ``None`` for the document itself.
    """

    pages: Sequence[PageContent]
    is_image: bool = False
    read_from: str | None = None

    @property
    def filled(self) -> list[PageContent]:
        """The pages that were read and are not blank."""
        return [page for page in self.pages if page.is_filled]

    def to_json(self) -> dict[str, Any]:
        """Return the content as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, payload: Mapping[str, Any]) -> Self:
        """Return the content that :meth:`to_json` wrote."""
        return cls(**{**payload, "pages": [PageContent(**page) for page in payload["pages"]]})
