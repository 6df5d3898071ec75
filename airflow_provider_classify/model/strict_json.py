"""Parse JSON from a server that is not trusted. Refuse values that cannot be stored or written again."""

from __future__ import annotations

import json
import re
from typing import Any

#: The most levels of nested arrays and objects. Some readers of an XCom cannot handle more.
MAX_DEPTH = 64
#: The most values. Each takes far more memory than its text. A result of hundreds of pages has about 10,000.
MAX_VALUES = 200_000
#: The escape of half a surrogate pair.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: A string or a bracket. A string without an end reaches to the end of the text.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


def loads(body: bytes) -> Any:
    """
    Parse a JSON text in UTF-8.

    :raises ValueError: the text is not JSON; an object has the same key twice; a number is not finite or does not
        fit into 64 bits; a string has half of a surrogate pair; there are more than :data:`MAX_VALUES` values or
        more than :data:`MAX_DEPTH` levels.
    """
    text = body.decode("utf-8-sig")
    # The count includes brackets and commas in strings. So it is fast to compute, and never too low.
    brackets = text.count("[") + text.count("{")
    if brackets + text.count(",") > MAX_VALUES:
        raise ValueError(f"The JSON text has more than {MAX_VALUES:,} values.")
    if brackets > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise ValueError(f"The JSON text is nested more than {MAX_DEPTH} levels deep.")
    value = json.loads(
        text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer
    )
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()  # a UnicodeEncodeError is a ValueError
    return value


def _depth(text: str) -> int:
    """Return how deeply the brackets outside of strings are nested."""
    depth = deepest = 0
    for match in _TOKEN.finditer(text):
        bracket = match.group()
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("An object of the JSON text has the same key twice.")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number.")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("A number of the JSON text is too large.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= (value := int(digits)) < 2**63:
        raise ValueError("A whole number of the JSON text does not fit into 64 bits.")
    return value
