"""
Categories whose names are paths: ``finance/invoice``, ``finance/receipt``, ``legal/contract``.

Each path is a category as any other; what is certain of several adds up in the node that they
share. So an answer can be sure of ``finance`` while unsure whether it is an invoice or a receipt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SEPARATOR = "/"


def path_of(name: str) -> tuple[str, ...]:
    """The steps of a category's name, ``("finance", "invoice")``; one step where it is no path."""
    steps = tuple(step.strip() for step in name.split(SEPARATOR) if step.strip())
    return steps or (name,)


def inner_nodes(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Each node above a category, and the numbers of the categories in it: itself, if it is one, and all below."""
    paths = [path_of(name) for name in names]
    above = {path[:length] for path in paths for length in range(1, len(path))}
    members: dict[str, tuple[int, ...]] = {}
    for node in sorted(above):
        within = (number for number, path in enumerate(paths) if path[: len(node)] == node)
        members[SEPARATOR.join(node)] = tuple(within)
    return members


def sums_of_nodes(nodes: Mapping[str, Sequence[int]], shares: Sequence[float]) -> dict[str, float]:
    """What the categories of each node have together; ``nodes`` come from :func:`inner_nodes`."""
    return {node: sum(shares[number] for number in numbers) for node, numbers in nodes.items()}
