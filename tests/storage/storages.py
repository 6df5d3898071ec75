"""The storages of the tests: real servers on loopback, reached with Airflow's own connections."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from standalone import free_port

from airflow_provider_classify.documents.object_storage import StoragePath
from tests.support.s3 import BUCKET, KEY, SECRET, running_s3
from tests.support.storage import attach
from tests.support.waiting import wait_until

AZURITE = Path(__file__).parents[2] / ".venv" / "azurite" / "node_modules" / ".bin" / "azurite-blob"
#: The account of Azurite, which its documentation publishes.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass
class Storage:
    """
    A storage that runs.

    ``root`` is the URI of a bucket or folder, ``connection`` what a URI names, ``fields`` those of the
    connection. ``buckets`` lists the buckets that the server has.
    """

    kind: str
    root: str
    buckets: Callable[[], set[str]] = set
    fields: dict[str, object] = field(default_factory=dict)
    port: int | None = None

    def folder(self) -> str:
        """A folder that no other test has."""
        return f"{self.root}/{uuid.uuid4().hex[:12]}"

    def put(self, folder: str, source: Path) -> list[str]:
        """Copy the files of a folder of this machine; returns their references."""
        references = []
        for path in sorted(source.iterdir()):
            references.append(f"{folder}/{path.name}")
            StoragePath(references[-1]).write_bytes(path.read_bytes())
        return references


def names(folder: str) -> list[str]:
    """All files below a folder, relative to it."""
    try:
        return [name.removeprefix(f"{folder}/") for name in StoragePath(folder).list_files("**/*")]
    except Exception as error:
        if type(error).__name__ == "StorageNotFound":
            return []
        raise


def set_connection(conn_id: str, fields: dict[str, object]) -> None:
    os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(fields)


def require(*modules: str) -> None:
    missing = []
    for module in modules:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            missing.append(module)
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: pip install -c constraints.txt -e '.[test,storage]'")


@contextmanager
def file_storage() -> Iterator[Storage]:
    with tempfile.TemporaryDirectory(prefix="classify-storage-") as folder:
        yield Storage("file", f"file://{folder}")


@contextmanager
def memory_storage() -> Iterator[Storage]:
    from fsspec.implementations.memory import MemoryFileSystem

    attach("memory", fs=MemoryFileSystem())
    yield Storage("memory", "memory://bucket")
    MemoryFileSystem.store.clear()


def s3_fields(port: int, *, login: str = KEY, password: str = SECRET) -> dict[str, object]:
    config = {"retries": {"max_attempts": 1}, "connect_timeout": 2, "read_timeout": 10}
    extra = {"endpoint_url": f"http://127.0.0.1:{port}", "region_name": "us-east-1", "config_kwargs": config}
    return {"conn_type": "aws", "login": login, "password": password, "extra": extra}


@contextmanager
def s3_storage() -> Iterator[Storage]:
    require("moto", "flask", "flask_cors", "s3fs", "airflow.providers.amazon")
    with running_s3() as server:

        def buckets() -> set[str]:
            return {bucket["Name"] for bucket in server.client.list_buckets()["Buckets"]}

        set_connection("storage_s3", s3_fields(server.port))
        yield Storage("s3", f"s3://storage_s3@{BUCKET}", buckets, s3_fields(server.port), server.port)


def azure_fields(port: int, *, key: str = AZURITE_KEY) -> dict[str, object]:
    connection_string = (
        f"DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};AccountKey={key};"
        f"BlobEndpoint=http://127.0.0.1:{port}/{AZURITE_ACCOUNT};"
    )
    return {"conn_type": "wasb", "extra": {"connection_string": connection_string}}


@contextmanager
def azure_storage() -> Iterator[Storage]:
    require("adlfs", "azure.storage.blob", "airflow.providers.microsoft.azure")
    if not AZURITE.exists() or shutil.which("node") is None:
        pytest.skip("Azurite is not installed: make azurite (needs npm)")
    from azure.core.exceptions import AzureError
    from azure.storage.blob import BlobServiceClient

    port = free_port()
    with tempfile.TemporaryDirectory(prefix="azurite-") as folder:
        command = [AZURITE, "--silent", "--skipApiVersionCheck", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        server = subprocess.Popen([*command, "--location", folder, "--disableTelemetry"], cwd=folder)
        try:
            connection_string = str(azure_fields(port)["extra"]["connection_string"])  # type: ignore[index]
            client = BlobServiceClient.from_connection_string(connection_string, retry_total=0)

            def answers() -> bool:
                try:
                    client.create_container("documents")
                except AzureError:
                    return False
                return True

            wait_until(answers, 60, pause=0.2)

            def buckets() -> set[str]:
                return {container.name for container in client.list_containers()}

            set_connection("storage_azure", azure_fields(port))
            yield Storage("azure", "abfs://storage_azure@documents", buckets, azure_fields(port), port)
        finally:
            server.terminate()
            server.wait(30)


def gcs_fields(port: int) -> dict[str, object]:
    extra = {"is_anonymous": True, "project": "test", "gcs.endpoint": f"http://127.0.0.1:{port}"}
    return {"conn_type": "google_cloud_platform", "extra": extra}


@contextmanager
def gcs_storage() -> Iterator[Storage]:
    require("gcsfs", "gcp_storage_emulator", "airflow.providers.google.cloud.fs")
    import httpx

    port = free_port()
    command = [sys.executable, "-m", "gcp_storage_emulator", "start", "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryDirectory(prefix="gcs-") as folder, Path(folder, "log").open("wb") as log:
        command += ["--in-memory", "--default-bucket", "documents"]
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/storage/v1/b"

            def buckets() -> set[str]:
                reply = httpx.get(url).raise_for_status().json()
                return {bucket["name"] for bucket in reply.get("items", [])}

            def answers() -> bool:
                try:
                    return bool(buckets())
                except httpx.TransportError:
                    return False

            wait_until(answers, 60, pause=0.2)
            set_connection("storage_gcs", gcs_fields(port))
            yield Storage("gcs", "gs://storage_gcs@documents", buckets, gcs_fields(port), port)
        finally:
            server.terminate()
            server.wait(30)


@contextmanager
def rejected_credentials(storage: Storage) -> Iterator[str]:
    """The URI of the storage's bucket through a connection whose credentials it rejects."""
    assert storage.port is not None
    if storage.kind == "gcs":
        pytest.skip("the emulator of Google Cloud Storage takes any credentials")
    if storage.kind == "s3":
        import httpx

        url = f"http://127.0.0.1:{storage.port}/moto-api/reset-auth"
        httpx.post(url, content=b"0").raise_for_status()  # from now on credentials count
        set_connection("storage_rejected", s3_fields(storage.port, login="unknown", password="s3cret"))
        try:
            yield storage.root.replace("storage_s3", "storage_rejected")
        finally:
            httpx.post(url, content=b"inf").raise_for_status()
    else:
        set_connection("storage_refused", azure_fields(storage.port, key="czNjcmV0"))
        yield storage.root.replace("storage_azure", "storage_refused")


#: The kinds with buckets.
OBJECT_STORES = ["s3", "azure", "gcs"]
STORAGES = {
    "file": file_storage,
    "memory": memory_storage,
    "s3": s3_storage,
    "azure": azure_storage,
    "gcs": gcs_storage,
}
