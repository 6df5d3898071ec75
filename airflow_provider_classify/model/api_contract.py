"""
The limits, headers and fixed texts of the classify API.

The API has two routes: ``POST /classify`` and ``GET /classify/{job_id}``. The client, the service and the local engine
use these constants. The replies are types of :mod:`~airflow_provider_classify.model.job` and
:mod:`~airflow_provider_classify.model.result`.
"""

from __future__ import annotations

#: The most pages of a document that the API classifies, and the default of the local engine. Later pages are ignored.
MAX_PAGES = 4
#: The API's limit for an upload, in bytes.
MAX_BYTES = 500 * 1024 * 1024
#: The most job ids that one batch status request may name.
MAX_STATUS_IDS = 500
#: The request header with the idempotency key of a submit. A server that honours keys accepts a key once.
IDEMPOTENCY_HEADER = "Idempotency-Key"
#: The reply header of a server that honours :data:`IDEMPOTENCY_HEADER`. This package's service adds it to the API.
HONOURED_HEADER = "Idempotency-Key-Honoured"
#: The query parameter of ``DELETE /classify/{job_id}`` that keeps a job that has ended, with its result. This package's
#: service adds the route to the API.
UNLESS_ENDED = "unless_ended"
#: The API's error for a file that it cannot open.
CANNOT_OPEN = "This PDF could not be opened — the file may be corrupt or in an unsupported format."
#: The shortest pause between two requests for a job, in seconds, without jitter.
SHORTEST_PAUSE = 1.0
#: The longest pause between two requests for a job, in seconds, unless the server asks for a longer one.
LONGEST_PAUSE = 30.0
