"""Find the sentence model that a user names: a local folder, or a model of the Hugging Face hub."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from airflow_provider_classify.exceptions import ExtraNotInstalled, SentenceModelNotUsable

_SETTING = "[classify] sentence_model or --sentence-model"
#: The files of a static model. Files for other libraries are not downloaded.
_FILES = ["*.json", "*.safetensors"]
_NAME_ON_THE_HUB = re.compile(r"[\w.-]+/[\w.-]+")


def find_sentence_model(model: str) -> Path:
    """
    Return the folder of a sentence model. If ``model`` is a name on the Hugging Face hub, download it first.

    A model in the cache of ``huggingface_hub`` is not downloaded again. So results stay the same, and later runs need
    no network.

    :raises ExtraNotInstalled: the ``sentences`` extra is not installed.
    :raises SentenceModelNotUsable: the folder does not exist, or the model cannot be downloaded.
    """
    if find_spec("model2vec") is None:
        raise ExtraNotInstalled(
            f"The sentence model {model!r} that {_SETTING} names needs model2vec; "
            "install airflow-provider-classify[sentences], or name no model."
        )
    folder = Path(model).expanduser()
    if folder.is_dir():
        return folder.absolute()
    if _NAME_ON_THE_HUB.fullmatch(model) is None:
        raise SentenceModelNotUsable(
            f"The sentence model {model!r} that {_SETTING} names is not a folder on this machine; "
            "give the folder of a static model, or a name such as owner/model on the Hugging Face hub."
        )
    return _download(model)


def _download(model: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        try:
            folder = Path(snapshot_download(model, allow_patterns=_FILES, local_files_only=True))
            if any(folder.rglob("*.safetensors")):  # otherwise, an earlier download was interrupted
                return folder
        except LocalEntryNotFoundError:
            pass
        return Path(snapshot_download(model, allow_patterns=_FILES))
    except Exception as error:  # errors of the hub, of HTTP, of the network or of the disk
        raise SentenceModelNotUsable(
            f"The sentence model {model!r} that {_SETTING} names is not a folder and could not be downloaded from "
            f"the Hugging Face hub ({type(error).__name__}); check the name and the network, or give a folder."
        ) from error
