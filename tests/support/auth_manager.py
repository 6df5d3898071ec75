"""An auth manager with permissions by DAG, which Airflow's simple one does not have."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

SECRET_DAG = "secret"


class DagAuthManager(SimpleAuthManager):
    """``guest`` may not read the DAG ``secret``, and ``no_xcom`` may not read XComs."""

    def is_authorized_dag(
        self, *, method: Any, user: Any, access_entity: Any = None, details: DagDetails | None = None
    ) -> bool:
        if user.username == "guest" and details is not None and details.id == SECRET_DAG:
            return False
        if user.username == "no_xcom" and access_entity is DagAccessEntity.XCOM:
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
