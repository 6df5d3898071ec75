"""Fit the calibration of a model on labelled documents: ask the model about each, and compare the answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from airflow_provider_classify.batch.progress_log import ProgressLog
from airflow_provider_classify.documents.document import Document
from airflow_provider_classify.engine.sandbox.pool import EnginePool
from airflow_provider_classify.exceptions import CalibrationNotUsable, ClassifyError, InvalidCategories
from airflow_provider_classify.lifecycle import reattach
from airflow_provider_classify.llm.backend import LlmBackend
from airflow_provider_classify.llm.batch_run import CONCURRENCY, OpenClassifier
from airflow_provider_classify.llm.calibration import Calibration, Curve
from airflow_provider_classify.model import polling
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult
from airflow_provider_classify.model.usage import Usage

#: The fewest answers on which a curve is fitted.
LEAST_ANSWERS = 20
#: The number of ranges of confidence for which a report shows the share of right answers.
_RANGES = 10
#: The number of parts into which the answers are divided. Each part is measured with a curve fitted on the others.
_FOLDS = 5

#: The confidence of an answer, and whether it is right.
Scored = tuple[float, bool]


@dataclass
class Trial:
    """
    The answers of a model about labelled documents.

    :param model: the name of the model.
    :param by_source: the answers by the source of their confidence.
    :param none: the number of answers that no category fits, on which no curve is fitted.
    :param errors: the errors of the documents without an answer.
    """

    model: str
    by_source: dict[str, list[Scored]] = field(default_factory=lambda: defaultdict(list))
    none: int = 0
    usage: Usage = field(default_factory=Usage)
    errors: list[str] = field(default_factory=list)

    def add(self, result: ClassificationResult, label: str) -> None:
        """Count an answer. A blank document does not count."""
        if result.blank:
            return
        self.usage += Usage.from_json(result.extra.get("usage")) or Usage()
        if result.extra.get("none_of_these"):
            self.none += 1
        else:
            source = str(result.extra.get("confidence_source"))
            self.by_source[source].append((result.confidence, result.classification == label))

    def calibration(self) -> Calibration:
        """Fit the curves. :raises CalibrationNotUsable: there are too few answers."""
        enough = {source: found for source, found in self.by_source.items() if len(found) >= LEAST_ANSWERS}
        if not enough:
            most = max((len(found) for found in self.by_source.values()), default=0)
            raise CalibrationNotUsable(
                f"The model {self.model!r} gave {most} answers, and a calibration needs at least {LEAST_ANSWERS}; "
                "label more documents."
            )
        curves = {source: Curve.fit(found) for source, found in enough.items()}
        return Calibration(self.model, curves, sum(map(len, enough.values())))

    def lines(self) -> Iterator[str]:
        """Yield the lines of a report: the share of right answers by confidence, and the calibration errors."""
        answers = self.none + sum(map(len, self.by_source.values()))
        yield (
            f"{answers} answers of {self.model}, {self.none} of them that no category fits; "
            f"{len(self.errors)} documents without an answer; {self.usage.tokens} tokens."
        )
        for source, found in self.by_source.items():
            right = sum(is_right for _, is_right in found) / len(found)
            yield ""
            yield f"{source}: {len(found)} answers, {right:.1%} right, error {calibration_error(found):.3f}"
            if len(found) >= LEAST_ANSWERS:
                yield f"  error after the calibration, on answers without a part in it: {cross_error(found):.3f}"
            yield "  confidence   answers   right"
            for low, high, part in by_range(found):
                share = sum(is_right for _, is_right in part) / len(part)
                yield f"  {low:.1f} to {high:.1f}   {len(part):>7}   {share:>5.1%}"


def try_out(backend: object, labels: Mapping[str, str], categories: Sequence[Category], progress: ProgressLog) -> Trial:
    """
    Ask a model about labelled documents.

    The answers are kept in the record of jobs. So a second run pays only for documents that have no answer yet.

    :param backend: the backend of a connection.
    :param labels: the category of each document by its path.
    :param progress: counts the documents.
    :raises InvalidCategories: a label is not one of the categories.
    :raises CalibrationNotUsable: the backend is not a language model.
    :raises ClassifyError: the model failed as a whole.
    """
    names = {category.name for category in categories}
    if unknown := sorted(set(labels.values()) - names):
        raise InvalidCategories(
            f"The label {unknown[0]!r} is not one of the categories; correct it, or add it to them."
        )
    if not isinstance(backend, LlmBackend):
        raise CalibrationNotUsable(
            "The connection is not one to a language model, so there is nothing to calibrate; name one with the "
            "backend model."
        )
    # An earlier calibration must not change the confidences on which the new one is fitted.
    backend = backend.without_calibration()
    identity = backend.identity(categories)
    with (
        progress,
        ThreadPoolExecutor(CONCURRENCY) as threads,
        EnginePool(options=backend.engine_options()) as pool,
        backend.open_model() as model,
    ):
        trial = Trial(model.name)
        classify = OpenClassifier(backend, pool, model, backend.budget())

        def ask(path: str) -> ClassificationResult | ClassifyError:
            document = Document(path)
            try:
                key = reattach.fingerprint(document.fingerprint(), categories, f"calibrate {identity}")
                submission = backend.run_job(classify, document, categories, key)
                return polling.answer(backend.get(submission.job_id), document.label, names)
            except ClassifyError as error:
                if not (error.unreadable or error.retryable):
                    raise
                return error

        for label, outcome in zip(labels.values(), threads.map(ask, labels), strict=True):
            if isinstance(outcome, ClassifyError):
                trial.errors.append(str(outcome))
            else:
                trial.add(outcome, label)
            progress.one_done(failed=isinstance(outcome, ClassifyError))
    return trial


def calibration_error(found: Sequence[Scored]) -> float:
    """
    Return by how much the confidence differs from the share of right answers, from 0 (the best) to 1.

    It is the mean difference over the ranges of confidence, weighted by their numbers of answers.
    """
    total = 0.0
    for _, _, part in by_range(found):
        total += abs(sum(confidence for confidence, _ in part) - sum(is_right for _, is_right in part))
    return total / len(found)


def cross_error(found: Sequence[Scored]) -> float:
    """Return the calibration error after the calibration. Each answer uses a curve that was fitted without it."""
    mapped: list[Scored] = []
    for fold in range(_FOLDS):
        curve = Curve.fit([scored for place, scored in enumerate(found) if place % _FOLDS != fold])
        mapped += [(curve(confidence), is_right) for confidence, is_right in found[fold::_FOLDS]]
    return calibration_error(mapped)


def by_range(found: Sequence[Scored]) -> Iterator[tuple[float, float, list[Scored]]]:
    """Yield the ranges of confidence that have answers, with their limits."""
    parts: dict[int, list[Scored]] = defaultdict(list)
    for confidence, is_right in found:
        parts[min(_RANGES - 1, int(confidence * _RANGES))].append((confidence, is_right))
    for number in sorted(parts):
        yield number / _RANGES, (number + 1) / _RANGES, parts[number]
