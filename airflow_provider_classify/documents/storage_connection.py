"""Open the file system of a storage URI with the Airflow connection that the URI names."""

from __future__ import annotations

import functools
from typing import Any

from airflow_provider_classify.documents.storage_errors import quoted, reason
from airflow_provider_classify.exceptions import ConnectionNotUsable, StorageNotInstalled


def object_storage_path(reference: str, conn_id: str | None, label: str) -> Any:
    """
    Return Airflow's path, whose file system is ready for use.

    Airflow's storages take a connection that does not exist for none at all, and go on with the identity of the
    machine. So the connection is looked up here first.

    :param reference: the URI, or a path of this machine.
    :param conn_id: the connection that the URI names.
    :param label: the URI as it may be shown.
    :raises ConnectionNotUsable: the connection does not exist or does not open a storage.
    :raises StorageNotInstalled: no installed provider opens such a URI.
    """
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    if conn_id:
        _require_connection(conn_id)
    try:
        path = ObjectStoragePath(reference)
        path.fs  # noqa: B018 - making the file system finds most faults of a connection
    except ImportError as error:
        raise _not_installed(label) from error
    except Exception as error:  # each storage's provider raises kinds of its own
        if isinstance(error, ValueError) and str(error).startswith(
            ("No filesystem registered", "Unsupported filesystem")
        ):
            raise _not_installed(label) from error
        if not conn_id:
            raise
        raise ConnectionNotUsable(
            f"The connection {quoted(conn_id)} does not open the storage of {label} "
            f"({reason(error)}); check its type and its fields."
        ) from error
    return path


def _not_installed(label: str) -> StorageNotInstalled:
    scheme = label.partition("://")[0]
    return StorageNotInstalled(
        f"No installed Airflow provider opens {label}; install the one for {scheme}:// "
        "with its storage extra (such as apache-airflow-providers-amazon[s3fs]), or check the URI."
    )


@functools.cache
def _require_connection(conn_id: str) -> None:
    """Raise an error if Airflow does not have the connection. One that was found is not looked up again."""
    from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException as error:
        raise ConnectionNotUsable(
            f"The connection {quoted(conn_id)} of a storage URI is not defined; define it, or correct the URI, "
            "in which the connection id stands before the @."
        ) from error
