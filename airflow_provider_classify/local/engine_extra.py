"""Check that the libraries of the local engine are installed."""

from __future__ import annotations

from importlib.util import find_spec

from airflow_provider_classify.exceptions import ExtraNotInstalled

_NEEDED = ("pymupdf", "PIL", "onnxruntime", "rapidocr")


def require_engine(otherwise: str = "") -> None:
    """
    Check that the ``local`` extra is installed.

    :param otherwise: an alternative for the user. It is added to the end of the error message.
    :raises ExtraNotInstalled: the extra is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ExtraNotInstalled(
            f"The local engine needs {', '.join(missing)}; install airflow-provider-classify[local]{otherwise}."
        )
