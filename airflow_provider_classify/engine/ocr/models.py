"""Find and load the OCR models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import onnxruntime

from airflow_provider_classify.exceptions import ExtraNotInstalled

DETECTION = "PP-OCRv6_det_small.onnx"
RECOGNITION = "PP-OCRv6_rec_small.onnx"
_FATAL_ONLY = 4


def model_path(file_name: str) -> Path:
    """
    Return the path of a model in the installed ``rapidocr`` package, whose code is not imported.

    :raises ExtraNotInstalled: the package is missing, or of a version without this model.
    """
    spec = find_spec("rapidocr")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, "models", file_name)
        if path.is_file():
            return path
    raise ExtraNotInstalled(
        f"OCR needs the model {file_name} of rapidocr 3.10 or later; "
        "install airflow-provider-classify[local] where the tasks run."
    )


def session(path: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """Load a model that uses ``threads`` cores. Its threads sleep between pages."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    # Inputs differ in size from line to line, and the arena would keep memory for the largest of each.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
