"""The code blocks of the README and of the documentation."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")), *sorted(ROOT.glob("docs/**/*.md")))
_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_INCLUDE = re.compile(r'^ *--8<-- "([^":]+)', re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A code block of a page. ``page`` is its path in the repository, and ``line`` the line of its fence."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def included(self) -> list[str]:
        """The files of the repository that the block includes."""
        return _INCLUDE.findall(self.text)

    @property
    def commands(self) -> list[str]:
        """The commands of a console block, without the comments that follow them."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages; if languages are given, only those in one of them."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            block = Block(str(page.relative_to(ROOT)), line, match["language"], textwrap.dedent(match["text"]))
            if not languages or block.language in languages:
                found.append(block)
    return found
