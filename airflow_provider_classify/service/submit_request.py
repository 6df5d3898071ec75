"""Check the content of a form and turn it into a submit."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from urllib.parse import urlsplit

from airflow_provider_classify.exceptions import InvalidCategories
from airflow_provider_classify.model.categories import Category, parse_categories
from airflow_provider_classify.service.errors import bad_request, invalid_field
from airflow_provider_classify.service.fetch_url import is_fetchable
from airflow_provider_classify.service.submit_form import SubmitForm

_LONGEST_NAME = 255
#: The most characters of a file_url.
LONGEST_URL = 8192


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """
    A valid submit.

    :param document: the name to show for the document.
    :param file_url: where to fetch the document from, unless it was uploaded.
    :param sha256: the SHA-256 of the uploaded document, in hexadecimal.
    :param size: the size of the uploaded document in bytes.
    :param webhook_url: where to send the job when it ends; ``None`` for no webhook. It is not checked yet.
    """

    document: str
    categories: tuple[Category, ...]
    file_url: str | None = None
    sha256: str | None = None
    size: int | None = None
    webhook_url: str | None = None

    def fingerprint(self) -> str:
        """Return a hash. It is equal for two submits with the same document (or URL) and the same categories."""
        categories = [category.to_json() for category in self.categories]
        text = json.dumps([self.sha256, self.file_url, categories], ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def read_request(form: SubmitForm) -> SubmitRequest:
    """
    Check the content of a form and return the submit.

    :raises HttpError: 400 without exactly one document or with malformed categories, 422 without categories.
    """
    file_url = form.fields.get("file_url", "").strip() or None
    if form.upload is None and file_url is None:
        raise bad_request("Either pdf_file or file_url must be provided")
    if form.upload is not None and file_url is not None:
        raise bad_request("Provide either pdf_file or file_url, not both")
    if file_url is not None and (len(file_url) > LONGEST_URL or not is_fetchable(file_url)):
        raise bad_request(f"file_url must be an absolute http or https URL of at most {LONGEST_URL} characters")
    written = form.fields.get("categories") or form.fields.get("conditions")
    if not written:
        raise invalid_field("categories", "missing", "Field required")
    categories = _read_categories(written)
    name = display_name(form.upload or file_url or "")
    webhook_url = form.fields.get("webhook_url", "").strip() or None
    return SubmitRequest(name, categories, file_url, form.sha256, form.size, webhook_url)


def _read_categories(written: str) -> tuple[Category, ...]:
    try:
        categories = parse_categories(written)
    except InvalidCategories as error:
        raise bad_request(str(error)) from error
    if any(category.examples or category.examples_folder for category in categories):
        raise bad_request("Categories must not have examples: the service reads no files that a client names")
    return categories


def display_name(given: str) -> str:
    """Return the name to show for a file name or URL: the last part of its path, printable, at most 255 characters."""
    try:
        path = urlsplit(given).path if "://" in given else given.replace("\\", "/")
    except ValueError:  # A file name may look like a broken URL.
        path = ""
    parts = [part for part in path.split("/") if part not in ("", ".")]  # pathlib would intern each of them
    name = "".join(character for character in "".join(parts[-1:]) if character.isprintable())
    return name[-_LONGEST_NAME:] or "document"
