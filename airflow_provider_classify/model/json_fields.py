"""Read the fields of a JSON object and check the type of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.exceptions import InvalidReply


class Fields:
    """
    Removes the fields of a JSON object one by one. :meth:`rest` returns the fields that remain.

    :param where: names the object in errors.
    """

    def __init__(self, payload: object, where: str) -> None:
        if not isinstance(payload, Mapping):
            raise InvalidReply(f"The API's reply breaks the contract: {where} is not a JSON object.")
        self._left = dict(payload)
        self._where = where

    def required(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """Remove and return a field. :raises InvalidReply: the field is missing, null or of another type."""
        if self._left.get(name) is None:
            raise InvalidReply(f"The API's reply breaks the contract: {self._where} lacks {name!r}.")
        return self.optional(name, kind)

    def optional(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """Remove and return a field, ``None`` if it is missing. :raises InvalidReply: it is of another type."""
        value = self._left.pop(name, None)
        is_unexpected_bool = isinstance(value, bool) and kind is not bool  # in Python, True is an int
        if value is not None and (is_unexpected_bool or not isinstance(value, kind)):
            raise InvalidReply(
                f"The API's reply breaks the contract: {self._where} has {name!r} of type {type(value).__name__}."
            )
        return value

    def whole(self, name: str, least: int, most: int, *, required: bool = True) -> Any:
        """
        Remove and return an integer from ``least`` to ``most``; ``None`` if it is missing and not required.

        :raises InvalidReply: the value is out of range or of another type, or it is missing and required.
        """
        value = self.required(name, int) if required else self.optional(name, int)
        if value is None:
            return None
        if not least <= value <= most:
            raise InvalidReply(
                f"The API's reply breaks the contract: {self._where} has {name!r} that is not from {least} to {most}."
            )
        return value

    def confidence(self, *, required: bool) -> float:
        """
        Remove and return the ``confidence``, a number from 0 to 1.

        :param required: if false, return 0 for a missing or invalid confidence.
        :raises InvalidReply: the confidence is required, and is missing or not a number from 0 to 1.
        """
        if not required:
            value = self._left.pop("confidence", None)
            return float(value) if type(value) in (int, float) and 0 <= value <= 1 else 0.0
        value = self.required("confidence", (int, float))
        # NaN and percentages would pass the threshold of every route. A sum of float32 can be slightly above 1.
        if not 0 <= value <= 1.00001:
            raise InvalidReply(
                f"The API's reply breaks the contract: {self._where} has a 'confidence' that is not from 0 to 1."
            )
        return min(float(value), 1.0)

    def true(self, name: str) -> bool:
        """Remove a field and return whether it is ``true``."""
        return self._left.pop(name, None) is True

    def drop(self, name: str) -> Any:
        """Remove a field that has no meaning in this object. Return ``None`` in its place."""
        self._left.pop(name, None)

    def rest(self) -> dict[str, Any]:
        """Return the fields that remain."""
        return self._left


def present(**values: Any) -> dict[str, Any]:
    """Return the values that are not ``None``, by name."""
    return {name: value for name, value in values.items() if value is not None}
