"""Read the categories that the command line names."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from airflow_provider_classify.documents.example_folder import with_listed_examples
from airflow_provider_classify.exceptions import InvalidCategories
from airflow_provider_classify.model.categories import Category, parse_categories


def categories_of(options: argparse.Namespace) -> tuple[Category, ...]:
    """Return the categories of ``--categories`` or ``--categories-file``. :raises InvalidCategories: not valid."""
    if options.categories is not None:
        names = ",".join(options.categories).split(",")
        return parse_categories([name for name in names if name.strip()])
    return categories_in(options.categories_file)


def categories_in(file: Path) -> tuple[Category, ...]:
    """
    Return the categories in a JSON file.

    :raises InvalidCategories: the file cannot be read, or the categories are not valid. The error names the file.
    """
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidCategories(
            f"The categories file {str(file)!r} cannot be read ({error.strerror}); give the path of a JSON file."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InvalidCategories(
            f"The categories file {str(file)!r} is not JSON in UTF-8; write a list of names to it, such as "
            '["invoice", "receipt"], or of objects with "name" and "description".'
        ) from error
    try:
        # A text in the file is the name of one category. Without the list, parse_categories() would parse it as JSON.
        return with_listed_examples(parse_categories([value] if isinstance(value, str) else value))
    except InvalidCategories as error:
        raise InvalidCategories(f"The categories file {str(file)!r}: {error}") from error
