"""Serve a hub of models on loopback, with the part of the Hugging Face hub's API that fetching a model needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "c" * 40


@contextmanager
def model_hub(name: str, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve the files of a folder as a model; yield the hub's URL and the list of the paths requested so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            file = folder / self.path.rpartition("/")[2]
            files = [path for path in folder.iterdir() if path.is_file()]
            if self.path.startswith(f"/api/models/{name}/revision/"):
                siblings = [{"rfilename": path.name} for path in files]
                self._answer(json.dumps({"id": name, "sha": COMMIT, "siblings": siblings}).encode())
            elif self.path.startswith(f"/api/models/{name}/tree/"):
                tree = [{"type": "file", "path": p.name, "size": p.stat().st_size, "oid": p.name} for p in files]
                self._answer(json.dumps(tree).encode())
            elif self.path.startswith(f"/{name}/resolve/") and file.exists():
                self._answer(file.read_bytes())
            else:
                self.send_error(404)

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.send_header("ETag", f'"{hash(body)}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
