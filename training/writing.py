"""Write a fitted model so that the same weights give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from airflow_provider_classify.engine.learned.model import MEASURES, LearnedModel
from training.fitting import DENSE, Fitted

#: The time that all parts of the file bear.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def arrays_of(
    fitted: Fitted, families: Sequence[str], type_names: Sequence[str], type_families: Sequence[int], temperature: float
) -> dict[str, Any]:
    """
    Return the arrays of a model.

    Weights are divided by the factor of the points, so that they are points themselves. Half precision is more than
    the documents can tell.

    :param families: the name of each family.
    :param type_families: the number of the family of each type, -1 for none.
    :param temperature: what the fitted log odds are divided by, so that the confidence is right.
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
    model: LearnedModel, fitted: Fitted, families: Sequence[str], base: Sequence[int | None], temperature: float
) -> dict[str, Any]:
    """
    Return the arrays of a model and of what was fitted on top of it.

    :param fitted: on the points that ``model`` has corrected, with its scale.
    :param families: the names of the fitted categories.
    :param base: for each of them the family by which ``model`` corrected it; None if it did not.
    """
    names, none = list(model.families), model.none
    columns: list[tuple[int, int | None, int]] = []  # the fitted column, the model's, and the place of their sum
    for number, (family, of) in enumerate(zip(families, base, strict=True)):
        place = model.family_of_category(family)
        if place is None:
            place = len(names)
            names.append(family)
        columns.append((number, of, place))
    if none is not None:
        columns.append((len(families), none, none))
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
        for number, of, place in columns:
            weights[:, place] = new[:, number]
            if of is not None:
                weights[: len(old), place] += old[:, of]
        arrays[name] = weights[0] if part == "constant" else weights
        arrays[name] = arrays[name].astype(np.float16)
    return arrays


def write_model(arrays: Mapping[str, Any], path: Path) -> None:
    """Write a model's file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, values in sorted(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(values), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, content.getvalue())
