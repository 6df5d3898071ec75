"""Categories: what a user writes, read and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import NoneType

from airflow_provider_classify.exceptions import InvalidCategories


@dataclass(frozen=True, slots=True)
class Category:
    """
    A name to classify into, and what it means, for names that do not say it themselves.

    A name with slashes is a path (``finance/invoice``). ``examples`` are paths of documents of this
    category on the machine of the local engine, which alone uses them.
    """

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, str]:
        """The form in which the API takes it: without the examples, which are files of this machine."""
        return {"name": self.name, "description": self.description} if self.description else {"name": self.name}


def parse_categories(value: object) -> tuple[Category, ...]:
    """
    Read categories from what a user writes: names, ``{"name", "description", "examples"}``, or JSON of these.

    :raises InvalidCategories: none given, one repeated (case does not distinguish), not a list.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise InvalidCategories(
                f"The categories {value!r} are not a JSON list; "
                'give names such as ["invoice", "receipt"], or objects with "name" and "description".'
            ) from error
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise InvalidCategories(f"Categories must be a list of names, not {type(value).__name__}; give at least one.")
    categories = tuple(_parse_category(item) for item in value)
    if not categories:
        raise InvalidCategories("The list of categories is empty; give at least one name.")
    seen: set[str] = set()
    for category in categories:
        key = category.name.casefold()
        if key in seen:
            raise InvalidCategories(f"The category {category.name!r} is given twice; remove one of them.")
        seen.add(key)
    return categories


def _parse_category(item: object) -> Category:
    if isinstance(item, Category):
        item = asdict(item)
    elif isinstance(item, str):
        item = {"name": item}
    if not isinstance(item, Mapping):
        raise InvalidCategories(f'The category {item!r} is neither a name nor an object with "name".')
    name, description = item.get("name"), item.get("description")
    if not isinstance(name, str) or not name.strip():
        raise InvalidCategories(f"The category {dict(item)!r} has no name; give it one.")
    if not isinstance(description, (str, NoneType)):
        raise InvalidCategories(f"The description of the category {name!r} is not a text; write it as one.")
    if any("\ud800" <= character <= "\udfff" for character in name + (description or "")):
        raise InvalidCategories(f"The category {name!r} has a character that is none; write it as UTF-8.")
    unknown = set(item) - {"name", "description", "examples"}
    if unknown:
        raise InvalidCategories(
            f"The category {name!r} has an unknown key {sorted(map(str, unknown))[0]!r}; "
            'only "name", "description" and "examples" are read.'
        )
    return Category(name.strip(), (description or "").strip(), _parse_examples(name, item.get("examples")))


def _parse_examples(name: str, examples: object) -> tuple[str, ...]:
    if examples is None:
        return ()
    if not isinstance(examples, Sequence) or isinstance(examples, (str, bytes)):
        raise InvalidCategories(f"The examples of the category {name!r} are no list; give a list of paths.")
    for path in examples:
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            raise InvalidCategories(f"The category {name!r} has an example {path!r} that is no path; give paths.")
    return tuple(examples)
