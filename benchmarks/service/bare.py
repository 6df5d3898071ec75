"""
Run a bare Starlette app under uvicorn, as the peer of the service. The app keeps no jobs and reads no documents.

    python -m benchmarks.service.bare
"""

from __future__ import annotations

import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


async def status(request: Request) -> Response:
    job_id = request.path_params["job_id"]
    progress = "Starting classification..."
    return JSONResponse({"job_id": job_id, "status": "queued", "progress": progress, "error": None, "result": None})


async def submit(request: Request) -> Response:
    async for _ in request.stream():
        pass
    return JSONResponse({"job_id": "0", "status": "queued", "message": "Classification started"}, 202)


def main() -> None:
    app = Starlette(routes=[Route("/classify/{job_id}", status), Route("/classify", submit, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"Bare app on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
