"""
The routes of the page.

The page itself has no data, so it needs no key. If the service has keys, the page's script asks for one, keeps it in
the browser's session storage, and sends it as the header ``api-key``, as every client of the API does. So the page sets
no cookie, and the key is in no URL.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from airflow_provider_classify import __version__
from airflow_provider_classify.job_record.job_store import JobStore
from airflow_provider_classify.service.access import Access, owner
from airflow_provider_classify.service.dashboard.activity import read_activity
from airflow_provider_classify.service.dashboard.pictures import Pictures
from airflow_provider_classify.service.errors import HttpError

_STATIC = Path(__file__).parent / "static"
#: Files that the page shares with the page in Airflow's UI.
_SHARED = Path(__file__).parents[2] / "plugins" / "static"
_FILES = {
    path.name: path
    for path in (
        *(_STATIC / name for name in ("service.css", "service.js", "client.js", "form.js", "jobs.js", "pictures.js")),
        *(_SHARED / name for name in ("page.css", "theme.js", "dom.js", "evidence.js", "icon.svg")),
    )
}
#: The page loads only files of the service. It also shows pictures that its script has fetched (``blob:``).
HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def add_dashboard(app: FastAPI, store: JobStore, pictures: Pictures, access: Access) -> None:
    """
    Add the page, its files and its data. The API's description does not list these routes.

    :param access: admits the requests for the data.
    """
    keyed = [Depends(access.client)]
    # Without this hint, the script's first request would show as an error in the browser's console.
    html = (_STATIC / "page.html").read_text().replace("{key}", "needed" if access.needs_key else "none")

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return HTMLResponse(html, headers=HEADERS)

    @app.get("/dashboard/{name}", include_in_schema=False)
    def file(name: str) -> Response:
        if name not in _FILES:
            raise HttpError(404, "There is no such file")
        return FileResponse(_FILES[name], headers=HEADERS)

    @app.get("/dashboard/api/activity", include_in_schema=False, dependencies=keyed)
    def activity(request: Request) -> Response:
        found = read_activity(store, owner=owner(request))
        with_picture = pictures.among([job.job_id for job in found.jobs])
        return JSONResponse(
            {
                "version": __version__,
                "queued": found.backlog.queued,
                "processing": found.backlog.processing,
                "oldest_seconds": found.backlog.oldest_queued_seconds,
                "completed": found.completed,
                "failed": found.failed,
                "jobs": [job.to_json(has_picture=job.job_id in with_picture) for job in found.jobs],
            },
            headers=HEADERS,
        )

    @app.get("/dashboard/api/pictures/{job_id}", include_in_schema=False, dependencies=keyed)
    def picture(request: Request, job_id: str) -> Response:
        jpeg = pictures.get(job_id, owner=owner(request))
        if jpeg is None:
            raise HttpError(404, "This job has no picture")
        return Response(jpeg, media_type="image/jpeg", headers=HEADERS)
