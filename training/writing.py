"""Write a fitted model. The same weights give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from airflow_provider_classify.engine.learned.model import MEASURES, NO_FAMILY, NONE, LearnedModel
from training.fitting import DENSE, Fitted

#: The modification time of all entries of the file, so that the bytes do not depend on the time.
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def arrays_of(
    fitted: Fitted, families: Sequence[str], type_names: Sequence[str], type_families: Sequence[int], temperature: float
) -> dict[str, Any]:
    """
    Return the arrays of a model.

    The weights are divided by the factor of the points, which converts them from log odds to points. Half precision is
    enough for weights.

    :param families: the name of each family.
    :param type_families: the number of the family of each type, -1 for none.
    :param temperature: the temperature of the fitted log odds.
    """
    arrays: dict[str, Any] = {
        "measures": np.array(MEASURES),
        "families": np.array(families),
        "type_names": np.array(type_names),
        "type_families": np.array(type_families, np.int16),
        "words": np.array(fitted.scale.words),
        "rarity": fitted.scale.rarity.astype(np.float16),
        "temperature": np.array(temperature / fitted.factor),
    }
    for part in (*DENSE, "words", "constant"):
        arrays["constant" if part == "constant" else f"weights_{part}"] = (fitted.weights[part] / fitted.factor).astype(
            np.float16
        )
    for part in DENSE:
        arrays[f"mean_{part}"] = fitted.scale.means[part].astype(np.float32)
        arrays[f"scale_{part}"] = fitted.scale.deviations[part].astype(np.float32)
    return arrays


def added_to(
    model: LearnedModel, fitted: Fitted, families: Sequence[str], base: Sequence[int], temperature: float
) -> dict[str, Any]:
    """
    Return the arrays of the sum of a base model and a fitted model.

    :param model: the base model.
    :param fitted: a model that was fitted on the points that the base model has corrected, with the base model's scale.
    :param families: the names of the fitted categories.
    :param base: the number of the family by which the base model corrected each of them; NO_FAMILY if it did not.
    """
    names = list(model.families)
    places = [
        *(model.family_of_category(family) for family in families),
        None if model.none == NO_FAMILY else model.none,
    ]
    columns: list[tuple[int, int, int]] = []  # the fitted column, the base column, and the column of the sum
    for number, (family, base_column) in enumerate(zip([*families, NONE], [*base, model.none], strict=True)):
        place = places[number]
        if place is None:
            place = len(names)
            names.append(family)
        columns.append((number, base_column, place))
    arrays = dict(model.arrays) | {
        "families": np.array(names),
        "words": np.array(fitted.scale.words),
        "rarity": fitted.scale.rarity.astype(np.float16),
        "temperature": np.array(temperature / fitted.factor),
    }
    for part in (*DENSE, "words", "constant"):
        name = "constant" if part == "constant" else f"weights_{part}"
        old, new = np.atleast_2d(model.arrays[name]), np.atleast_2d(fitted.weights[part] / fitted.factor)
        weights = np.zeros((len(new), len(names)))
        weights[: len(old), : old.shape[1]] = old
        for number, base_column, place in columns:
            weights[:, place] = new[:, number]
            if base_column != NO_FAMILY:
                weights[: len(old), place] += old[:, base_column]
        arrays[name] = weights[0] if part == "constant" else weights
        arrays[name] = arrays[name].astype(np.float16)
    return arrays


def write_model(arrays: Mapping[str, Any], path: Path) -> None:
    """Write a model's file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, values in sorted(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(values), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, content.getvalue())
