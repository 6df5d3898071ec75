"""The usage of a language model: requests, tokens and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Usage:
    """
    The usage of one or several answers.

    :param cost: the price in US dollars; ``None`` if the price of one of the answers is not known.
    """

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0

    @property
    def tokens(self) -> int:
        """The tokens of all requests and answers."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            None if self.cost is None or other.cost is None else self.cost + other.cost,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the usage as a JSON object. It has a ``cost`` only if that is known."""
        counts = {
            "requests": self.requests,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
        }
        return counts if self.cost is None else counts | {"cost": round(self.cost, 6)}

    @classmethod
    def from_json(cls, payload: object) -> Self | None:
        """Return the usage in a result; ``None`` if it is not an object, or a count is not a whole number from 0."""
        if not isinstance(payload, Mapping):
            return None
        counts = [payload.get(name, 0) for name in ("requests", "input_tokens", "output_tokens")]
        if not all(type(count) is int and count >= 0 for count in counts):
            return None
        requests, input_tokens, output_tokens = counts
        cost = payload.get("cost")
        is_known = isinstance(cost, (int, float)) and not isinstance(cost, bool) and cost >= 0
        return cls(requests, input_tokens, output_tokens, float(cost or 0) if is_known else None)
