"""
Handle categories whose names are paths: ``finance/invoice``, ``finance/receipt``, ``legal/contract``.

Each path is a separate category. The probability of a node is the sum of the probabilities of its categories. So an
answer can have a high confidence for ``finance`` and a low one for ``finance/invoice``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from airflow_provider_classify.model.categories import Category

SEPARATOR = "/"
#: With spaces around it a slash means "or".
_SEPARATOR = re.compile(r"(?<!\s)/(?!\s)")


def path_of(name: str) -> tuple[str, ...]:
    """Return the steps of a category's name, such as ``("finance", "invoice")``; one step if it is not a path."""
    return tuple(filter(None, _SEPARATOR.split(name))) or (name,)


def without_path(category: Category, is_known: Callable[[str], bool]) -> Category:
    """
    Return a category without a path. The last steps become the name, and the upper steps are added to the description.

    The name is the longest run of last steps that is a known name, in either order. If no run is a known name, the name
    is the last step.
    ``tax/form`` and ``form/tax`` become ``tax form``, a known name; ``finance/invoice`` becomes ``invoice``.
    """
    path = path_of(category.name)
    if len(path) == 1:
        return category
    names = [" ".join(path[start:][::order]) for start in range(len(path)) for order in (1, -1)]
    name = next(filter(is_known, names), path[-1])
    return replace(category, name=name, description=" ".join([category.description, *path[:-1]]).strip())


def inner_nodes(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return each node above a category, with the numbers of its categories. A node may itself be a category."""
    paths = [path_of(name) for name in names]
    above = {path[:length] for path in paths for length in range(1, len(path))}
    members: dict[str, tuple[int, ...]] = {}
    for node in sorted(above):
        within = (number for number, path in enumerate(paths) if path[: len(node)] == node)
        members[SEPARATOR.join(node)] = tuple(within)
    return members


def sums_of_nodes(nodes: Mapping[str, Sequence[int]], shares: Sequence[float]) -> dict[str, float]:
    """Return the sum of the shares of each node's categories; ``nodes`` come from :func:`inner_nodes`."""
    return {node: sum(shares[number] for number in numbers) for node, numbers in nodes.items()}
