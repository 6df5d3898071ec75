"""Read the settings of a backend from its Airflow connection, on a worker or on an event loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_classify.exceptions import ConnectionNotUsable
from airflow_provider_classify.hooks.connection import Settings, parse_connection, refuse_unknown_extras
from airflow_provider_classify.hooks.defaults import CONN_TYPE, DEFAULT_CONN_ID

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection


@dataclass(frozen=True, slots=True)
class SettingsReader:
    """
    Reads the settings of a connection. If ``classify_default`` is not defined, they are those of the local engine.

    :param evidence: replaces ``evidence`` of the connection; ``None`` to keep it.
    :param log: gets the warnings about the connection.
    """

    conn_id: str
    evidence: bool | None
    log: Any

    def read(self) -> Settings:
        """
        Return the settings.

        :raises ConnectionNotUsable: the connection is missing, or one of its fields is missing or wrong.
        """
        try:
            connection = BaseHook.get_connection(self.conn_id)
        except AirflowNotFoundException as error:
            return self._without_connection(error)
        return self._parse(connection, connection.extra_dejson)

    async def aread(self) -> Settings:
        """Return the settings, as :meth:`read` does, without blocking the event loop."""
        try:
            connection = await get_async_connection(self.conn_id)
        except AirflowNotFoundException as error:
            return await asyncio.to_thread(self._without_connection, error)
        # In a thread, because the imports for a backend would block the loop.
        return await asyncio.to_thread(self._parse, connection, await get_async_extra_dejson(connection))

    def refuse_unknown_extras(self) -> None:
        """Refuse unknown names in the extra. :raises ConnectionNotUsable: the extra has an unknown name."""
        try:
            extra = BaseHook.get_connection(self.conn_id).extra_dejson
        except AirflowNotFoundException:
            return
        refuse_unknown_extras(self.conn_id, extra)

    def _parse(self, connection: Connection, extra: object) -> Settings:
        settings = parse_connection(connection, extra)
        for warning in settings.warnings:
            self.log.warning("%s", warning)
        return self._with_evidence(settings)

    def _without_connection(self, error: AirflowNotFoundException) -> Settings:
        if self.conn_id != DEFAULT_CONN_ID:
            raise ConnectionNotUsable(
                f"The connection {self.conn_id!r} is not defined; define it with the type {CONN_TYPE!r}, "
                f"or leave classify_conn_id out to use the local engine."
            ) from error
        self.log.info("The connection %r is not defined, so the local engine classifies.", DEFAULT_CONN_ID)
        from airflow_provider_classify.local.settings import LocalSettings

        return self._with_evidence(LocalSettings(conn_id=DEFAULT_CONN_ID))

    def _with_evidence(self, settings: Settings) -> Settings:
        return settings if self.evidence is None else replace(settings, evidence=self.evidence)
