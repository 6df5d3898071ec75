"""Admit requests by the key that they carry, and within the key's rate."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader

from airflow_provider_classify.service.api_keys import Key, Keys
from airflow_provider_classify.service.errors import HttpError
from airflow_provider_classify.service.rate_limits import RateLimits

KEY_HEADER = "api-key"
_BEARER = "bearer "
_NO_KEY = Key()
#: Only describes the header in the OpenAPI document. :class:`Access` reads the header itself.
_SCHEME = APIKeyHeader(name=KEY_HEADER, auto_error=False)


class Access:
    """
    Admits requests. All methods are thread-safe.

    The state of a request keeps its key; see :func:`owner`.
    """

    def __init__(self, keys: Keys, rates: RateLimits | None = None) -> None:
        self._keys = keys
        self._rates = rates or RateLimits()

    @property
    def needs_key(self) -> bool:
        """Whether a client must send a key."""
        return self._keys.are_required

    def admit(self, request: Request) -> Key:
        """
        Admit a request, and return its key. A request that was admitted before is not counted again.

        :raises HttpError: 401 without a known key, 429 if the rate of the key is exceeded.
        """
        if (admitted := getattr(request.state, "admitted", None)) is not None:
            return cast(Key, admitted)
        key = self._keys.find(request.headers.get(KEY_HEADER))
        if key is None:
            raise _unauthorized()
        request.state.key = key  # A refusal by the rate is logged with the name of the key.
        self._rates.take(key)
        request.state.admitted = key
        return key

    async def client(self, request: Request, _: Annotated[str | None, Depends(_SCHEME)]) -> None:
        """Admit the request of a client. A route depends on this. :raises HttpError: as :meth:`admit`."""
        self.admit(request)

    async def operator(self, request: Request, _: Annotated[str | None, Depends(_SCHEME)]) -> None:
        """
        Admit a request of the service's operator. A route with data about all clients depends on this.

        A service with keys accepts only the key without a name. It is sent as the header ``api-key``, or as a bearer
        token, as Prometheus does.

        :raises HttpError: 401 without this key.
        """
        given = request.headers.get(KEY_HEADER)
        authorization = request.headers.get("authorization", "")
        if given is None and authorization[: len(_BEARER)].lower() == _BEARER:
            given = authorization[len(_BEARER) :].strip()
        key = self._keys.find(given)
        if key is None or key.name:
            raise _unauthorized()


def owner(request: Request) -> str:
    """Return the name of a request's key; it is empty for a key without a name, and without a known key."""
    key: Key = getattr(request.state, "key", _NO_KEY)
    return key.name


def _unauthorized() -> HttpError:
    return HttpError(401, "Invalid or missing API key; send it as the header api-key")
