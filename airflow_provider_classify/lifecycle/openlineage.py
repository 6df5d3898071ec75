"""
The objects that Airflow's OpenLineage provider gets from the operators.

Only that provider calls the operators' methods for lineage. So it is installed when this module is imported, and no
other module imports this one when a DAG is parsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
from airflow.providers.openlineage.extractors import OperatorLineage
from airflow.providers.openlineage.extractors.manager import ExtractorManager
from openlineage.client.event_v2 import Dataset, InputDataset, OutputDataset
from openlineage.client.facet_v2 import DatasetFacet, OutputDatasetFacet, RunFacet, output_statistics_output_dataset

from airflow_provider_classify.lifecycle import lineage
from airflow_provider_classify.lifecycle.lineage import Lineage

#: The names of the facets.
ANSWER_FACET = "classify_answer"
BATCH_FACET = "classify_batch"


def _facet_class(name: str, base: type[Any], fields: Sequence[str]) -> Any:
    """Return the class of a facet. A field that is not set is left out of the event."""
    return attrs.make_class(name, {field: attrs.field(default=None) for field in fields}, bases=(base,))


AnswerRunFacet = _facet_class("AnswerRunFacet", RunFacet, [*lineage.ANSWER_FIELDS, "route"])
AnswerDatasetFacet = _facet_class("AnswerDatasetFacet", DatasetFacet, lineage.ANSWER_FIELDS)
BatchRunFacet = _facet_class("BatchRunFacet", RunFacet, lineage.BATCH_FIELDS)


def operator_lineage(
    found: Lineage, inlets: Iterable[Any] = (), outlets: Iterable[Any] = ()
) -> OperatorLineage[Dataset, RunFacet]:
    """
    Return a lineage in the form that Airflow's OpenLineage provider takes.

    :param inlets: the assets of the task. The provider reads them only for a task that gives no datasets itself.
    :param outlets: as ``inlets``. An asset whose URI cannot be converted to a dataset of OpenLineage is left out.
    """
    facets: dict[str, RunFacet] = {}
    if found.answer:
        facets[ANSWER_FACET] = AnswerRunFacet(**found.answer)
    if found.batch:
        facets[BATCH_FACET] = BatchRunFacet(**found.batch)
    return OperatorLineage(
        inputs=[*map(_input, found.inputs), *_datasets(inlets, found.inputs)],
        outputs=[*map(_output, found.outputs), *_datasets(outlets, found.outputs)],
        run_facets=facets,
    )


def _datasets(assets: Iterable[Any], known: Iterable[lineage.Dataset]) -> list[Dataset]:
    """Return the datasets of assets that are not known yet."""
    names = {(dataset.namespace, dataset.name) for dataset in known}
    found = [ExtractorManager.convert_to_ol_dataset(asset) for asset in assets]
    by_name = {(dataset.namespace, dataset.name): dataset for dataset in found if dataset is not None}
    return [dataset for name, dataset in by_name.items() if name not in names]


def _input(dataset: lineage.Dataset) -> InputDataset:
    facets = {ANSWER_FACET: AnswerDatasetFacet(**dataset.answer)} if dataset.answer else {}
    return InputDataset(dataset.namespace, dataset.name, facets=facets)


def _output(dataset: lineage.Dataset) -> OutputDataset:
    facets: dict[str, OutputDatasetFacet] = {}
    if dataset.rows is not None:
        statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet
        facets["outputStatistics"] = statistics(rowCount=dataset.rows, fileCount=1)
    return OutputDataset(dataset.namespace, dataset.name, outputFacets=facets)
