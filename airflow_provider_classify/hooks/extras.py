"""Read the extra of an Airflow connection."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_classify.exceptions import ConnectionNotUsable

if TYPE_CHECKING:
    from airflow_provider_classify.engine.options import MaxPages

_Choice = TypeVar("_Choice", bound=str)


class Extras:
    """The extra of a connection. An empty field of the form counts as missing."""

    def __init__(self, conn_id: str, extra: object) -> None:
        if not isinstance(extra, Mapping):
            raise ConnectionNotUsable(f"The extra of the connection {conn_id!r} is not a JSON object; write it as one.")
        self._conn_id = conn_id
        self._values = {name: value for name, value in extra.items() if value not in (None, "")}

    def get(self, name: str) -> object:
        """Return the value without a check; ``None`` if it is missing."""
        return self._values.get(name)

    def choice(self, name: str, choices: Sequence[_Choice]) -> _Choice | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not one of the choices."""
        value = self._values.get(name)
        for choice in choices:
            if value == choice:
                return choice
        if value is not None:
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is {value!r}; give one of {', '.join(choices)}."
            )
        return None

    def text(self, name: str) -> str | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not a string."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ConnectionNotUsable(f"{name!r} of the connection {self._conn_id!r} is {value!r}; give a string.")
        return value.strip() or None

    def json_object(self, name: str) -> Mapping[str, Any]:
        """
        Return the value, a JSON object or a string of JSON; an empty object if it is missing.

        :raises ConnectionNotUsable: it is neither.
        """
        value = self._values.get(name, {})
        try:
            parsed = json.loads(value) if isinstance(value, str) else value
        except ValueError:  # reported below
            parsed = None
        if not isinstance(parsed, Mapping):
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is not a JSON object; write it as one."
            )
        return parsed

    def flag(self, name: str, *, default: bool) -> bool:
        """Return the value. :raises ConnectionNotUsable: it is not ``true`` or ``false``."""
        value = self._values.get(name, default)
        if str(value).lower() not in ("true", "false"):
            raise ConnectionNotUsable(f"{name!r} of the connection {self._conn_id!r} is {value!r}; give true or false.")
        return str(value).lower() == "true"

    def positive(self, name: str) -> float | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not a number above 0."""
        value = self._values.get(name)
        if value is None:
            return None
        try:
            number = float(str(value))
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is {value!r}; give a number above 0."
            )
        return number

    def whole(self, name: str) -> int | None:
        """Return the value; ``None`` if it is missing. :raises ConnectionNotUsable: it is not an integer above 0."""
        number = self.positive(name)
        if number is not None and not number.is_integer():
            raise ConnectionNotUsable(
                f"{name!r} of the connection {self._conn_id!r} is {number:g}; give a whole number."
            )
        return None if number is None else int(number)

    def pages(self, name: str) -> MaxPages | None:
        """
        Return the value; ``None`` if it is missing.

        :raises ConnectionNotUsable: it is neither ``all`` nor an integer above 0.
        """
        return "all" if self._values.get(name) == "all" else self.whole(name)
