"""Read the nodes of a YAML file. Errors name the file, the document type and the line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from airflow_provider_classify.exceptions import InvalidDocumentTypes

#: The points that a phrase of each strength adds to a type's score.
STRENGTHS: Mapping[str, float] = {"decisive": 3.0, "strong": 2.0, "usual": 1.0, "weak": 0.5}
#: The faster loader in C, if PyYAML has it.
YAML_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TRUTH: Mapping[str, bool] = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, slots=True)
class Entry:
    """A node of a YAML file and its place, so that each error names the file, the type and the line."""

    node: yaml.Node
    file: str
    type_name: str

    def at(self, node: yaml.Node) -> Entry:
        """Return another node of the same type and file."""
        return Entry(node, self.file, self.type_name)

    def error(self, complaint: str) -> InvalidDocumentTypes:
        """Return an error whose message has the file, the line, the type and the complaint."""
        line = self.node.start_mark.line + 1 if self.node.start_mark else 1
        subject = f"the document type {self.type_name!r}" if self.type_name else "the file"
        return InvalidDocumentTypes(f"{self.file}, line {line}: {subject} {complaint}.")

    def items(self) -> Iterator[tuple[str, yaml.Node]]:
        """Yield the keys of a mapping with their nodes."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.error("is not a mapping where one is expected")
        for key, value in self.node.value:
            yield str(key.value), value

    def sequence(self) -> list[yaml.Node]:
        """Return the nodes of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.error("has no list where one is expected")
        return list(self.node.value)

    def text(self) -> str:
        """Return the text of the node, which must not be empty, without surrounding spaces."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value.strip():
            raise self.error("has no text where one is expected")
        return str(self.node.value).strip()

    def truth(self) -> bool:
        """Return true for ``yes`` or ``true``, and false for ``no`` or ``false``."""
        text = self.text().lower()
        if text not in _TRUTH:
            raise self.error(f"has {text!r} where yes or no is expected")
        return _TRUTH[text]

    def phrases(self) -> tuple[str, ...]:
        """Return the phrases of a text, which commas separate."""
        phrases = tuple(phrase.strip() for phrase in self.text().split(","))
        if not all(phrases):
            raise self.error("has a comma too many")
        return phrases

    def weight(self, strength: str) -> float:
        """Return the points of a strength."""
        if strength not in STRENGTHS:
            raise self.error(f"has a strength {strength!r} that is not one of {', '.join(STRENGTHS)}")
        return STRENGTHS[strength]
