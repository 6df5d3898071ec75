"""Show the roles of Sphinx in docstrings, such as :class:`Name`, as code."""

from __future__ import annotations

import re
from typing import Any

#: A role before code, as mkdocstrings leaves it in a page.
_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):<code>~?\.?([^<]*)</code>")


def on_page_content(html: str, **_: Any) -> str:
    """Return the page with the last part of each name, without the role."""
    return _ROLE.sub(lambda match: f"<code>{match[1].rpartition('.')[2]}</code>", html)
