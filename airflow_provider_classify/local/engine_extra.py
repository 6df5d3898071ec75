"""Check that the libraries of the local engine are installed."""

from __future__ import annotations

from importlib.util import find_spec

from airflow_provider_classify.exceptions import ExtraNotInstalled

_NEEDED = ("pymupdf", "PIL", "onnxruntime", "rapidocr")


def require_engine(otherwise: str = "") -> None:
    """
    Check that the ``local`` extra is installed.

    :param otherwise: what else the user can do, as the end of the sentence.
    :raises ExtraNotInstalled: it is not.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ExtraNotInstalled(
            f"The local engine needs {', '.join(missing)}; install airflow-provider-classify[local]{otherwise}."
        )
