"""The fields of a JSON object, taken out one by one, each checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_classify.exceptions import InvalidReply


class Fields:
    """Takes fields out of a JSON object one by one; what is left over is ``rest``."""

    def __init__(self, payload: object, where: str) -> None:
        if not isinstance(payload, Mapping):
            raise InvalidReply(f"The API's reply is not the contract's: {where} is no JSON object.")
        self._left = dict(payload)
        self._where = where

    def required(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """Take a field that has to be there. :raises InvalidReply: it is missing, null or of another type."""
        if self._left.get(name) is None:
            raise InvalidReply(f"The API's reply is not the contract's: {self._where} lacks {name!r}.")
        return self.optional(name, kind)

    def optional(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """Take a field, ``None`` where it is missing. :raises InvalidReply: it is of another type."""
        value = self._left.pop(name, None)
        is_truth_for_number = isinstance(value, bool) and kind is not bool
        if value is not None and (is_truth_for_number or not isinstance(value, kind)):
            raise InvalidReply(
                f"The API's reply is not the contract's: {self._where} has {name!r} of type {type(value).__name__}."
            )
        return value

    def whole(self, name: str, least: int, most: int, *, required: bool = True) -> Any:
        """
        Take a whole number from ``least`` to ``most``, ``None`` where it is missing and not required.

        :raises InvalidReply: it is out of this range, of another type, or missing and required.
        """
        value = self.required(name, int) if required else self.optional(name, int)
        if value is None:
            return None
        if not least <= value <= most:
            raise InvalidReply(
                f"The API's reply is not the contract's: {self._where} has a {name!r} that is not possible."
            )
        return value

    def confidence(self, *, required: bool) -> float:
        """
        Take the ``confidence``, a number from 0 to 1.

        :param required: if not, 0 is returned for whatever is not such a number.
        :raises InvalidReply: a required one is missing or is not from 0 to 1.
        """
        if not required:
            value = self._left.pop("confidence", None)
            return float(value) if type(value) in (int, float) and 0 <= value <= 1 else 0.0
        value = self.required("confidence", (int, float))
        # NaN and percentages would pass every threshold of a route; a sum of float32 may be a little above 1.
        if not 0 <= value <= 1.00001:
            raise InvalidReply(
                f"The API's reply is not the contract's: {self._where} has a 'confidence' that is not from 0 to 1."
            )
        return min(float(value), 1.0)

    def is_true(self, name: str) -> bool:
        """Return whether a field is ``true``, and leave it."""
        return self._left.get(name) is True

    def drop(self, name: str) -> Any:
        """Take a field out whose value means nothing in this state."""
        self._left.pop(name, None)

    def rest(self) -> dict[str, Any]:
        """Return the fields that were not taken."""
        return self._left


def present(**values: Any) -> dict[str, Any]:
    """Return those of the fields that are not ``None``."""
    return {name: value for name, value in values.items() if value is not None}
