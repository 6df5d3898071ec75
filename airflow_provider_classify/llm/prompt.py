"""
Write the question about a document, from the texts in ``prompt.yaml``.

The document is data and not instructions. So its text and pictures are between two lines with a name that the document
cannot contain, because the name is a hash of the document. The name of the file is not sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from airflow_provider_classify.engine.page_contents import PageContent
from airflow_provider_classify.model.categories import Category

#: The most characters of a page that are sent. The kind of a document shows in its first lines.
PAGE_CHARACTERS = 8000
#: Control characters except tab and newline, and characters that are invisible or change the direction of the text.
#: Joiners are kept, because some scripts need them.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class JpegPart:
    """A picture of a page: a JPEG in Base64."""

    data: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    The question about a document.

    :param instructions: what the model has to do. It has no text of the document.
    :param parts: the document, between the lines of its fence, as texts and pictures.
    :param pages: the numbers of the pages in it.
    """

    instructions: str
    parts: tuple[str | JpegPart, ...]
    pages: tuple[int, ...]


@cache
def _texts() -> dict[str, str]:
    texts = yaml.safe_load(Path(__file__).with_name("prompt.yaml").read_text(encoding="utf-8"))
    return {name: str(text) for name, text in texts.items()}


def prompt_version() -> str:
    """Return the version of the texts."""
    return _texts()["version"]


def build_prompt(categories: Sequence[Category], pages: Sequence[PageContent], none: str) -> Prompt:
    """
    Return the question about a document.

    :param pages: the pages of the document that are not blank and could be read, at least one.
    :param none: the answer for a document that belongs to no category.
    """
    texts = _texts()
    fence = _fence(pages)
    instructions = texts["instructions"].format(
        categories=json.dumps([category.to_json() for category in categories], ensure_ascii=False, indent=1),
        none=none,
        fence=fence,
    )
    numbers = tuple(page.number for page in pages)
    if len(pages) > 1:
        instructions += "\n" + texts["pages"].format(count=len(pages), numbers=", ".join(map(str, numbers)))
    parts: list[str | JpegPart] = []
    text = f"<{fence}>\n"
    for page in pages:
        text += texts["page"].format(fence=fence, number=page.number) + "\n"
        if page.text:
            text += shown(page.text) + "\n"
        if page.picture is not None:
            parts += [text, JpegPart(page.picture)]
            text = ""
    parts.append(f"{text}</{fence}>\n\n{texts['reminder']}")
    return Prompt(instructions, tuple(parts), numbers)


def shown(text: str) -> str:
    """Return the text of a page as it is sent: without invisible characters, and cut to :data:`PAGE_CHARACTERS`."""
    return _HIDDEN.sub("", text)[:PAGE_CHARACTERS]


def _fence(pages: Sequence[PageContent]) -> str:
    content = json.dumps([[page.text, page.picture] for page in pages])
    return f"document-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
