"""
Put text of documents and users into Markdown, so that Airflow's UI shows it as it is.

The text of a document comes from outside. It must not add links, images or headings to a page that people trust.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from airflow_provider_classify.model.printable_text import quotable

#: All ASCII punctuation: a backslash before it makes it plain text (CommonMark 2.4).
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
#: The places where an invisible character prevents a link. GitHub's Markdown, which Airflow's UI uses, turns addresses
#: into links even if they are escaped.
_LINK_LIKE = re.compile(r"(?<=[A-Za-z])(?=://|@)|(?<=[\w.+-])(?=@)|(?<=www)(?=\.)", re.I)
#: An invisible character that no word, host name or address contains.
_WORD_JOINER = "\u2060"
#: The characters that are not percent-encoded in the target of a link.
_SAFE_IN_URL = "/:?#@!$&'*+,;=%~-._"


def escape(text: object, limit: int = 200) -> str:
    """Return text as Markdown that shows it on one line, cut to ``limit`` characters. Nothing in it is a link."""
    line = quotable(" ".join(str(text).split()), limit)
    return _PUNCTUATION.sub(r"\\\1", _LINK_LIKE.sub(_WORD_JOINER, line))


def link(text: object, url: str) -> str:
    """Return a link with escaped text. ``url`` is relative or begins with ``http``: the UI drops other schemes."""
    return f"[{escape(text)}]({_target(url)})"


def linked_image(text: object, url: str) -> str:
    """Return an image that is a link to itself."""
    return f"[![{escape(text)}]({_target(url)})]({_target(url)})"


def _target(url: str) -> str:
    """Percent-encode the characters that could end the target of a link, such as spaces, brackets and quotes."""
    return quote(url, safe=_SAFE_IN_URL)
