"""
Give the package its description and its addresses when it is built.

Both depend on the public address of the repository, which has one place: ``repository`` in pyproject.toml, under
``tool.hatch.metadata.hooks.custom``. With an address, the package has the URLs of the project, and its description is
the README with links to the files of the repository. Without one, the package has no URLs, and its description is the
README without the links that only work in a clone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: The optional ``!`` of an image, the text and the target of a Markdown link to a file of the repository.
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#)([^)\s]+)\)")


class ProjectMetadata(MetadataHookInterface):
    """Set ``readme`` and ``urls``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add both fields to the metadata of the project."""
        repository = str(self.config["repository"]).rstrip("/")
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": _description(text, repository)}
        metadata["urls"] = _urls(repository)


def _description(readme: str, repository: str) -> str:
    def replace(link: re.Match[str]) -> str:
        image, text, path = link.groups()
        if not repository:
            return "" if image else text
        return f"{image}[{text}]({repository}/{'raw' if image else 'blob'}/main/{path})"

    return _LINK.sub(replace, readme)


def _urls(repository: str) -> dict[str, str]:
    if not repository:
        return {}
    return {
        "Source": repository,
        "Documentation": f"{repository}/blob/main/docs/index.md",
        "Changelog": f"{repository}/blob/main/CHANGELOG.md",
        "Issues": f"{repository}/issues",
    }
