"""The names and defaults of connections and waits that a DAG file needs."""

from __future__ import annotations

#: The type of the connections in Airflow.
CONN_TYPE = "classify"
#: The connection that is used if none is named. It need not be defined.
DEFAULT_CONN_ID = "classify_default"
#: The default number of seconds after which the wait for a job ends.
WAIT_TIMEOUT = 3600.0
