"""Open an object storage through Airflow's ``ObjectStoragePath``."""

from __future__ import annotations

import functools
from typing import Any

from airflow_provider_classify.documents.storage_errors import quote_conn_id, reason_of
from airflow_provider_classify.exceptions import ConnectionNotUsable, StorageNotInstalled


def open_storage(reference: str, *, label: str, conn_id: str | None, scheme: str) -> Any:
    """
    Return Airflow's path for a reference, with its file system ready for use.

    Airflow's storages treat a connection that does not exist as no connection, and use the machine's own identity.
    So the connection is looked up first.

    :raises ConnectionNotUsable: the connection does not exist or does not open the storage.
    :raises StorageNotInstalled: no installed Airflow provider opens URIs of this scheme.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if conn_id:
        _require_connection(conn_id)
    try:
        path = ObjectStoragePath(reference)
        path.fs  # noqa: B018 - creating the file system finds most faults of a connection
    except ImportError as error:
        raise _not_installed(label, scheme) from error
    except Exception as error:  # each provider raises its own kinds of errors
        if isinstance(error, ValueError) and str(error).startswith(
            ("No filesystem registered", "Unsupported filesystem")
        ):
            raise _not_installed(label, scheme) from error
        if not conn_id:
            raise
        raise ConnectionNotUsable(
            f"The connection {quote_conn_id(conn_id)} does not open the storage of {label} "
            f"({reason_of(error)}); check its type and its fields."
        ) from error
    return path


def _not_installed(label: str, scheme: str) -> StorageNotInstalled:
    return StorageNotInstalled(
        f"No installed Airflow provider opens {label}; install the one for {scheme}:// "
        "with its storage extra (such as apache-airflow-providers-amazon[s3fs]), or check the URI."
    )


@functools.cache
def _require_connection(conn_id: str) -> None:
    """
    Look up a connection. A connection that was found is not looked up again.

    :raises ConnectionNotUsable: Airflow does not have the connection.
    """
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConnectionNotUsable(
            f"The connection {quote_conn_id(conn_id)} of a storage URI is not defined; define it, or correct the "
            "connection id before the @ of the URI."
        ) from error
