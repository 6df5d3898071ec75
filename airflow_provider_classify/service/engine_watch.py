"""Watch whether the engine starts."""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from airflow_provider_classify.exceptions import ClassifyError, EngineClosed, EngineNotStarted
from airflow_provider_classify.model.categories import Category
from airflow_provider_classify.model.result import ClassificationResult

_PROBE = b"Dear Mrs. Brown,\n\nthank you for your letter.\n"


class Classifier(Protocol):
    """Classifies documents from several threads at the same time, as the engine's ``EnginePool`` does."""

    def classify(self, path: Path, categories: tuple[Category, ...], *, name: str) -> ClassificationResult:
        """Classify one document; raise a :class:`ClassifyError` if that is not possible."""

    def close(self) -> None:
        """Stop every classification that is running."""


class WatchedEngine:
    """
    A classifier that remembers whether its engine started for the last document.

    An error of one document says nothing about the next. But an engine that does not start fails every document, so
    the service is not ready until the engine starts again.
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._failure: ClassifyError | None = None
        self._probing = threading.Lock()

    def classify(self, path: Path, categories: tuple[Category, ...], *, name: str) -> ClassificationResult:
        """Classify one document. :raises ClassifyError: as the watched classifier."""
        try:
            result = self._classifier.classify(path, categories, name=name)
        except (EngineNotStarted, EngineClosed) as error:
            self._failure = error
            raise
        except ClassifyError:
            self._failure = None  # The engine has started, and refused the document.
            raise
        self._failure = None
        return result

    def check(self) -> None:
        """
        Check that the engine starts. If it did not for the last document, try it with a short letter.

        :raises ClassifyError: the engine does not start.
        """
        if self._failure is None:
            return
        with self._probing, TemporaryDirectory() as folder:
            probe = Path(folder, "letter.txt")
            probe.write_bytes(_PROBE)
            self.classify(probe, (Category("letter"),), name=probe.name)

    def close(self) -> None:
        """Stop every classification that is running."""
        self._classifier.close()
