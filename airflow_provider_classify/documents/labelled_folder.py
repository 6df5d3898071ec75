"""A folder of documents whose categories are known."""

from __future__ import annotations

import csv
from pathlib import Path

from airflow_provider_classify.exceptions import DocumentNotFound, InvalidDocument

LABELS = "labels.csv"


def read_labels(folder: Path) -> dict[str, str]:
    """
    Return the category of each document by its path.

    :param folder: a folder that has ``labels.csv`` with the columns ``path`` and ``category``, or a subfolder for each
        category.
    :raises DocumentNotFound: the folder does not exist.
    :raises InvalidDocument: it has no labelled document, or ``labels.csv`` has other columns, is not CSV in UTF-8, or
        cannot be read.
    """
    if not folder.is_dir():
        raise DocumentNotFound(f"There is no folder {str(folder)!r}; give a folder with labelled documents.")
    if (folder / LABELS).exists():
        rows = _rows(folder / LABELS)
        if not all(row.get("path") and row.get("category") for row in rows):
            raise InvalidDocument(
                f"A row of {str(folder / LABELS)!r} has no path or no category; give it the columns path and category."
            )
        found = {str(folder / row["path"]): row["category"] for row in rows}
    else:
        documents = (path for path in sorted(folder.glob("*/*")) if path.is_file() and not path.name.startswith("."))
        found = {str(path): path.parent.name for path in documents}
    if not found:
        raise InvalidDocument(
            f"The folder {str(folder)!r} has no labelled documents; give it a {LABELS}, or a folder for each category."
        )
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheet programs write a byte order mark
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidDocument(f"The file {str(path)!r} is not CSV in UTF-8 ({error}); save it as such.") from error
    except OSError as error:
        raise InvalidDocument(
            f"The file {str(path)!r} cannot be read ({error.strerror}); check that it is a file and its permissions."
        ) from error
