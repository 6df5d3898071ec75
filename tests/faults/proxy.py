"""
A proxy before the real service that spoils some of its answers.

It runs on an event loop in a thread of the test. Told nothing, it passes everything on as it is.
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

from airflow_provider_classify.model.contract import IDEMPOTENCY_HEADER
from tests.support.waiting import wait_until

#: Has the service's own answer when it is awaited; what is not asked for is not passed on.
PassOn = Callable[[], Awaitable[web.Response]]
Fault = Callable[[web.Request, PassOn], Awaitable[web.StreamResponse]]

_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host")


class Proxy:
    """
    The proxy of the service at ``service`` (its URL).

    ``posts`` counts by idempotency key how often a submit came.
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
        """Have these faults in turn: for the first sending of every tenth submit, and every third other request."""
        self._faults = itertools.cycle(faults)
        try:
            yield
        finally:
            self._faults = None

    @contextmanager
    def withholding(self) -> Iterator[None]:
        """Pass submits on, and keep their answers until the block ends."""
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
            hang_up(request)  # as the service has
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
    """What a proxy hands on of a request or an answer."""
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def hang_up(request: web.Request) -> None:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()


async def slow(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Longer than the client waits."""
    answer = await pass_on()
    await asyncio.sleep(8)
    return answer


async def too_many_requests(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    return web.json_response({"detail": "Rate limit exceeded"}, status=429, headers={"Retry-After": "2"})


async def too_many_requests_in_plain_text(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    return web.Response(text="slow down", status=429)


async def overloaded(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    return web.json_response({"detail": "try again later"}, status=503, headers={"Retry-After": "3"})


async def html_error(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """A gateway's own page, after the request has arrived."""
    await pass_on()
    return web.Response(text="<html><h1>502 Bad Gateway</h1></html>", status=502, content_type="text/html")


async def html_success(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """A page that says that all is well, as captive portals do, after the request has arrived."""
    await pass_on()
    return web.Response(text="<html><h1>Welcome</h1></html>", content_type="text/html")


async def truncated(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Half of the answer, as a whole one."""
    answer = await pass_on()
    body = bytes(answer.body)
    return web.Response(body=body[: len(body) // 2], status=answer.status, headers=_kept(answer.headers))


async def broken_off(request: web.Request, pass_on: PassOn) -> web.StreamResponse:
    """Half of the answer, and the connection is closed."""
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
