"""Parse and check the categories that a user passes."""

from __future__ import annotations

import json
import os
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import NoneType
from typing import Any, TypeAlias

from airflow_provider_classify.exceptions import InvalidCategories

#: The forms of categories that a user can pass; see :func:`parse_categories`.
CategoriesLike: TypeAlias = Sequence[Any] | Mapping[str, str | None] | str

#: The most categories of one submit.
MAX_CATEGORIES = 1000
#: The most characters of a category's name.
MAX_NAME = 200
#: The most characters of a category's description.
MAX_DESCRIPTION = 2000

_KEYS = frozenset({"name", "description", "examples"})
_SHORTENED = reprlib.Repr()
_SHORTENED.maxstring = _SHORTENED.maxother = 80


@dataclass(frozen=True, slots=True)
class Category:
    """
    A category: its name, and an optional description that explains the name.

    A name with slashes is a path in a tree of categories (``finance/invoice``). ``examples`` are paths of documents
    of this category. Only the local engine uses them, so they are paths on its machine. ``examples_folder`` is a folder
    of such documents. ``documents.example_folder`` lists it when a document is classified.
    """

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()
    examples_folder: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the JSON object for the API. It has no examples, because they are files on this machine."""
        return {"name": self.name, "description": self.description} if self.description else {"name": self.name}

    def to_fingerprint(self) -> dict[str, Any]:
        """
        Return all fields as a JSON object, for a fingerprint.

        Without a folder, the object has no key for it, so that fingerprints of earlier versions stay the same.
        """
        fields = asdict(self)
        return fields if self.examples_folder else {name: fields[name] for name in ("name", "description", "examples")}


def parse_categories(value: object) -> tuple[Category, ...]:
    """
    Parse the categories that a user passes.

    :param value: a list of names, of ``{"name", "description", "examples"}`` objects and of :class:`Category`; an
        object ``{name: description}``; or the JSON text of either. ``examples`` is a list of documents, or the path of
        a folder, which may not exist yet.
    :raises InvalidCategories: the list is empty, a name is repeated (ignoring case), a category is malformed, or
        a limit is exceeded: :data:`MAX_CATEGORIES`, :data:`MAX_NAME`, :data:`MAX_DESCRIPTION`.
    """
    if isinstance(value, str):
        value = _parse_json(value)
    items = _items(value)
    if not items:
        raise InvalidCategories("The list of categories is empty; give at least one name.")
    if len(items) > MAX_CATEGORIES:
        raise InvalidCategories(f"There are {len(items)} categories; give at most {MAX_CATEGORIES}.")
    categories = tuple(map(_parse_category, items))
    seen: set[str] = set()
    for category in categories:
        key = category.name.casefold()
        if key in seen:
            raise InvalidCategories(f"The category {_shown(category.name)} is given twice; remove one of them.")
        seen.add(key)
    return categories


def _parse_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidCategories(
            f"The categories {_shown(text)} are not JSON; {_hint(text.strip())}"
            'give names such as ["invoice", "receipt"], or objects with "name" and "description".'
        ) from error


def _hint(text: str) -> str:
    if text == "None":
        return "a template that found no value renders to None; "
    if text.startswith(("[", "{", "(")) and "'" in text:
        return 'a template renders a list to Python\'s notation, so add "| tojson" to it; '
    return ""


def _items(value: object) -> Sequence[object]:
    """Return the categories as a list of items that are not parsed yet."""
    if isinstance(value, Mapping):
        if "name" in value and value.keys() <= _KEYS:
            raise InvalidCategories(
                f"The categories are a single category, {_shown(value['name'])}; put it in a list, with the others."
            )
        return [{"name": name, "description": description} for name, description in value.items()]
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise InvalidCategories(f"Categories must be a list of names, not {type(value).__name__}; give at least one.")
    return value


def _parse_category(item: object) -> Category:
    if isinstance(item, Category):
        item = {**asdict(item), "examples": item.examples_folder or item.examples}
        del item["examples_folder"]
    elif isinstance(item, str):
        item = {"name": item}
    if not isinstance(item, Mapping):
        raise InvalidCategories(
            f'The category {_shown(item)} is neither a name nor an object with "name"; give one of them, '
            'such as "invoice".'
        )
    name, description = item.get("name"), item.get("description")
    if not isinstance(name, str) or not name.strip():
        raise InvalidCategories(f"The category {_shown(dict(item))} has no name; give it one.")
    if not isinstance(description, (str, NoneType)):
        raise InvalidCategories(f"The description of the category {_shown(name)} is not a text; write it as one.")
    name, description = name.strip(), (description or "").strip()
    if len(name) > MAX_NAME:
        raise InvalidCategories(
            f"The category {_shown(name)} has a name of {len(name)} characters; use at most {MAX_NAME}, "
            "and explain it in its description."
        )
    if len(description) > MAX_DESCRIPTION:
        raise InvalidCategories(
            f"The category {_shown(name)} has a description of {len(description)} characters; "
            f"use at most {MAX_DESCRIPTION}."
        )
    if any("\ud800" <= character <= "\udfff" for character in name + description):
        raise InvalidCategories(
            f"The category {_shown(name)} has half of a surrogate pair instead of a character; write it as UTF-8."
        )
    unknown = item.keys() - _KEYS
    if unknown:
        raise InvalidCategories(
            f"The category {_shown(name)} has an unknown key {_shown(min(map(str, unknown)))}; "
            'only "name", "description" and "examples" are read.'
        )
    examples = item.get("examples")
    if isinstance(examples, (str, os.PathLike)):
        return Category(name, description, examples_folder=_parse_folder(name, os.fspath(examples)))
    return Category(name, description, _parse_examples(name, examples))


def _parse_folder(name: str, folder: object) -> str:
    if not isinstance(folder, str) or not folder.strip() or "\0" in folder:
        raise InvalidCategories(
            f"The category {_shown(name)} has {_shown(folder)} as the folder of its examples; give its path."
        )
    return folder


def _parse_examples(name: str, examples: object) -> tuple[str, ...]:
    if examples is None:
        return ()
    if not isinstance(examples, Sequence) or isinstance(examples, bytes):
        raise InvalidCategories(
            f"The examples of the category {_shown(name)} are neither a list nor a folder; "
            "give a list of paths, or the path of a folder."
        )
    for path in examples:
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            raise InvalidCategories(
                f"The category {_shown(name)} has an example {_shown(path)} that is not a path; give paths."
            )
    return tuple(examples)


def _shown(value: object) -> str:
    """Return the ``repr`` of a user's input. Each text in it is shortened to at most 80 characters."""
    return _SHORTENED.repr(value)
