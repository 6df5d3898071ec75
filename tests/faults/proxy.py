"""
Run a proxy in front of the real service that replaces or damages some of its replies.

It runs on an event loop in a thread of the test. Without faults it forwards everything unchanged.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from aiohttp import web

from airflow_provider_classify.model.api_contract import IDEMPOTENCY_HEADER
from tests.support.waiting import wait_until

#: Forwards the request and returns the service's reply. A fault that never calls it does not forward the request.
PassOn = Callable[[], Awaitable[web.Response]]
Fault = Callable[[web.Request, PassOn], Awaitable[web.StreamResponse]]

#: Seconds of a slow reply: more than the client's timeout.
_SLOW_SECONDS = 8
_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host")


class Proxy:
    """
    A proxy of the service.

    ``posts`` counts the submits by idempotency key.

    :param service: the URL of the service.
    """

    def __init__(self, service: str) -> None:
        self.url = ""
        self.posts: Counter[str] = Counter()
        self.withheld = 0
        self._service = service
        self._faults: Iterator[Fault] | None = None
        self._looks = 0
        self._open: asyncio.Event | None = None
        self._loop = asyncio.new_event_loop()

    @contextmanager
    def spoiling(self, *faults: Fault) -> Iterator[None]:
        """Apply these faults in turn, to the first try of every tenth submit, and to every third other request."""
        self._faults = itertools.cycle(faults)
        try:
            yield
        finally:
            self._faults = None

    @contextmanager
    def withholding(self) -> Iterator[None]:
        """Forward submits, and hold their replies back until the block ends."""
        self._open, self.withheld = asyncio.Event(), 0
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._open.set)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()

        async def pass_on() -> web.Response:
            return await self._pass_on(request, body)

        if request.method == "POST":
            return await self._submit(request, pass_on)
        self._looks += 1
        if self._faults and self._looks % 3 == 0:
            return await next(self._faults)(request, pass_on)
        return await pass_on()

    async def _submit(self, request: web.Request, pass_on: PassOn) -> web.StreamResponse:
        key = request.headers.get(IDEMPOTENCY_HEADER, "")
        self.posts[key] += 1
        if self._faults and self.posts[key] == 1 and len(self.posts) % 10 == 0:
            return await next(self._faults)(request, pass_on)
        answer = await pass_on()
        if self._open and not self._open.is_set():
            self.withheld += 1
            await self._open.wait()
        return answer

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        try:
            async with self._session.request(
                request.method, self._service + request.raw_path, data=body or None, headers=_kept(request.headers)
            ) as answer:
                return web.Response(status=answer.status, headers=_kept(answer.headers), body=await answer.read())
        except aiohttp.ClientError:
            hang_up(request)  # as the service did
            raise

    async def _serve(self, started: threading.Event, ending: asyncio.Event) -> None:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self.answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set()
        await ending.wait()
        await runner.cleanup()
        await self._session.close()

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        started, ending = threading.Event(), asyncio.Event()
        thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve(started, ending)))
        thread.start()
        try:
            wait_until(lambda: started.is_set() or not thread.is_alive(), 30)
            yield self
        finally:
            self._loop.call_soon_threadsafe(ending.set)
            thread.join()
            self._loop.close()


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a proxy forwards."""
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def hang_up(request: web.Request) -> None:
    """Close the connection without a reply."""
    if request.transport is not None:
        request.transport.abort()


async def slow(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Reply after the client's timeout."""
    answer = await pass_on()
    await asyncio.sleep(_SLOW_SECONDS)
    return answer


async def too_many_requests(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    return web.json_response({"detail": "Rate limit exceeded"}, status=429, headers={"Retry-After": "2"})


async def too_many_requests_in_plain_text(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    return web.Response(text="slow down", status=429)


async def overloaded(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    return web.json_response({"detail": "try again later"}, status=503, headers={"Retry-After": "3"})


async def html_error(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Forward the request, and reply with the error page of a gateway."""
    await pass_on()
    return web.Response(text="<html><h1>502 Bad Gateway</h1></html>", status=502, content_type="text/html")


async def html_success(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Forward the request, and reply with a page and status 200, as captive portals do."""
    await pass_on()
    return web.Response(text="<html><h1>Welcome</h1></html>", content_type="text/html")


async def truncated(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Reply with half of the body and a matching length."""
    answer = await pass_on()
    body = bytes(answer.body)
    return web.Response(body=body[: len(body) // 2], status=answer.status, headers=_kept(answer.headers))


async def broken_off(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Send half of the body and close the connection."""
    answer = await pass_on()
    body = bytes(answer.body)
    whole = {"Content-Length": str(len(body))}
    half = web.StreamResponse(status=answer.status, headers=_kept(answer.headers) | whole)
    await half.prepare(request)
    await half.write(body[: len(body) // 2])
    hang_up(request)
    return half


async def closed_before(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    hang_up(request)
    return web.Response()


async def closed_after(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    await pass_on()
    hang_up(request)
    return web.Response()
