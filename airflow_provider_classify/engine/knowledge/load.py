"""
Read the knowledge of document types from the files in ``document_types``.

One file per family, one entry per type::

    invoice:
      description: A bill from a seller requesting payment.
      aliases: tax invoice, rechnung                 # other names, in any language; also found as headings
      labels: bill, billing                          # names that users use and documents rarely contain
      parents: commercial document                   # more general types; it counts for them if no category means it
      related: receipt                               # similar types; it counts for them if no category fits better
      titles: invoice, invoice number                # phrases that are a heading
      geometry: narrow                               # the shape of its pages (Geometry)
      styles: amounts                                # the main content of its text (Style)
      cover: yes                                     # a sheet before other documents; they decide if any follow
      cues:                                          # phrases of its text, by language and strength
        en:
          decisive: invoice number, invoice date
          weak: quantity
        de:
          decisive: rechnung*                        # all words that begin with it; *rechnung: all that end with it
          weak: 'datum:'                             # the word as the name of a field, before a colon
      patterns:                                      # regular expressions on the raw text, by strength
        strong:
          - 'P<[A-Z]{3}'

Lists are written with commas. A phrase consists of words, so it contains no comma, and YAML reads one long text
much faster than a list of thousands.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

import yaml

from airflow_provider_classify.engine.knowledge.document_type import DocumentType, Geometry, Knowledge, Style
from airflow_provider_classify.engine.knowledge.yaml_entry import YAML_LOADER, Entry
from airflow_provider_classify.engine.text.phrases import SHORTEST_STEM
from airflow_provider_classify.engine.text.words import words_of_lines
from airflow_provider_classify.exceptions import InvalidDocumentTypes

FOLDER = Path(__file__).with_name("document_types")
#: The file of the names of catch-all categories. It is part of the knowledge's version, because it changes answers.
CATCH_ALL_FILE = Path(__file__).with_name("catch_all.yaml")

Member = TypeVar("Member", bound=StrEnum)

#: A cue with a mark: see the module's example.
_MARKED = re.compile(r"\*[^*:]+|[^*:]+[*:]")
#: The fields of a type in a file.
_FIELDS = frozenset(DocumentType.__slots__) - {"name", "languages"}


@cache
def load_knowledge(own: Path | None = None) -> Knowledge:
    """
    Read the document types of this package, once per process.

    :param own: a folder with ``*.yaml`` files of a user's own types. They take precedence: a type replaces the type
        of this package with the same name, and its aliases come before those of this package.
    :raises InvalidDocumentTypes: a file cannot be used; the message names the file, the type and the line.
    """
    digest = hashlib.sha256(CATCH_ALL_FILE.read_bytes())
    entries: dict[str, Entry] = {}
    for folder in (own, FOLDER) if own else (FOLDER,):
        entries |= {name: entry for name, entry in _read(folder, digest).items() if name not in entries}
    types = {name: _document_type(name, entry) for name, entry in entries.items()}
    for document_type in types.values():
        for other in (*document_type.parents, *document_type.related):
            if other not in types:
                raise entries[document_type.name].error(f"names the type {other!r}, which no file describes")
    return Knowledge(types, digest.hexdigest()[:12])


def _read(folder: Path, digest: hashlib._Hash) -> dict[str, Entry]:
    """Return the types of a folder's files, and add the files to ``digest``."""
    entries: dict[str, Entry] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InvalidDocumentTypes(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
        digest.update(content)
        for name, entry in _entries(content, str(path)):
            if name in entries:
                raise entry.error("is described twice")
            entries[name] = entry
    if not entries:
        raise InvalidDocumentTypes(f"No *.yaml in {folder} describes a document type; check the folder's path.")
    return entries


def _entries(content: bytes, file: str) -> Iterator[tuple[str, Entry]]:
    try:
        root = yaml.compose(content, Loader=YAML_LOADER) or yaml.MappingNode("tag:yaml.org,2002:map", [])
    except yaml.YAMLError as error:
        raise InvalidDocumentTypes(f"{file} is not YAML: {' '.join(str(error).split())}.") from error
    for name, node in Entry(root, file, "").items():
        yield name, Entry(node, file, name)


def _document_type(name: str, entry: Entry) -> DocumentType:
    fields = dict(entry.items())
    unknown = fields.keys() - _FIELDS
    if unknown:
        raise entry.error(f"has an unknown field {min(unknown)!r}")
    if "description" not in fields:
        raise entry.error("has no description")

    def listed(field: str) -> tuple[str, ...]:
        return entry.at(fields[field]).phrases() if field in fields else ()

    cues, languages = _cues(entry.at(fields["cues"])) if "cues" in fields else ({}, {})
    return DocumentType(
        name=name,
        description=entry.at(fields["description"]).text(),
        aliases=listed("aliases"),
        labels=listed("labels"),
        parents=listed("parents"),
        related=listed("related"),
        titles=listed("titles"),
        cues=cues,
        languages=languages,
        patterns=tuple(_patterns(entry.at(fields["patterns"]))) if "patterns" in fields else (),
        geometry=frozenset(_member(Geometry, entry, word) for word in listed("geometry")),
        styles=frozenset(_member(Style, entry, word) for word in listed("styles")),
        cover=entry.at(fields["cover"]).truth() if "cover" in fields else False,
    )


def _member(kind: type[Member], entry: Entry, word: str) -> Member:
    try:
        return kind(word)
    except ValueError as error:
        raise entry.error(f"has a {kind.__name__.lower()} {word!r} that is not one of {', '.join(kind)}") from error


def _cues(entry: Entry) -> tuple[dict[str, float], dict[str, frozenset[str]]]:
    """Return the cues with their weights and languages. A phrase that two languages share has the greater weight."""
    cues: dict[str, float] = {}
    languages: dict[str, frozenset[str]] = {}
    for language, by_strength in dict(entry.items()).items():
        for strength, node in entry.at(by_strength).items():
            weight = entry.at(node).weight(strength)
            phrases = entry.at(node).phrases()
            for phrase, words in zip(phrases, words_of_lines(phrases), strict=True):
                folded = _folded(phrase, words)
                if not folded:
                    raise entry.at(node).error(f"has a cue that is not a phrase: {phrase!r}")
                cues[folded] = max(weight, cues.get(folded, 0.0))
                languages[folded] = languages.get(folded, frozenset()) | {language}
    return cues, languages


def _folded(cue: str, words: Sequence[str]) -> str:
    """
    Return a cue folded, with its mark; empty if it has no words, or a mark that is not on a single long word.

    :param words: the words of the cue, folded.
    """
    if "*" not in cue and ":" not in cue:
        return " ".join(words)
    if len(words) != 1 or _MARKED.fullmatch(cue) is None or ("*" in cue and len(words[0]) < SHORTEST_STEM):
        return ""
    return words[0].join(("*" if cue.startswith("*") else "", cue[-1] if cue[-1] in "*:" else ""))


def _patterns(entry: Entry) -> Iterator[tuple[re.Pattern[str], float]]:
    for strength, node in entry.items():
        for item in entry.at(node).sequence():
            text = entry.at(item).text()
            try:
                yield re.compile(text, re.MULTILINE), entry.at(node).weight(strength)
            except re.error as error:
                raise entry.at(item).error(
                    f"has a pattern {text!r} that is not a regular expression: {error}"
                ) from error
