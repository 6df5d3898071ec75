"""Leave out the tests of the page where Airflow cannot show it."""

from __future__ import annotations

from airflow_provider_classify.lifecycle import compat

collect_ignore = [] if compat.has_pages() else ["test_page.py"]
