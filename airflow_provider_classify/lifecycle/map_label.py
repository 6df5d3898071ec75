"""The names of mapped task instances in Airflow's UI."""

from __future__ import annotations

from typing import Any

from airflow_provider_classify.documents.reference import label_of, name_of
from airflow_provider_classify.model.printable_text import encodable

#: The template of the name. Airflow also renders it for a task that is not mapped, which needs no name.
MAP_INDEX_TEMPLATE = "{{ task.map_label if ti.map_index >= 0 else '' }}"
#: The most characters of a name. Airflow's database has room for 250.
MAX_CHARACTERS = 200


def map_label(reference: Any) -> str:
    """
    Return the file name of a document, or the last folder of a prefix, without the secrets of its URL.

    :param reference: the argument of an operator, after its templates are rendered.
    :returns: an empty string if this is not a reference. Airflow then shows the map index.
    """
    if not isinstance(reference, str):
        return ""
    name = encodable(name_of(label_of(reference)))
    name = "".join(character if character.isprintable() else " " for character in name)
    return name if len(name) <= MAX_CHARACTERS else f"{name[: MAX_CHARACTERS - 1]}…"
