"""Accept the webhooks that clients ask for with a submit."""

from __future__ import annotations

import ipaddress

from yarl import URL

from airflow_provider_classify.service.allowed_addresses import is_allowed
from airflow_provider_classify.service.api_keys import Key, Keys
from airflow_provider_classify.service.errors import bad_request
from airflow_provider_classify.service.fetch_url import is_fetchable
from airflow_provider_classify.service.webhook_store import WebhookStore

#: The most characters of a webhook's URL.
LONGEST_WEBHOOK_URL = 2048


class WebhookRequests:
    """
    Checks and records the webhooks that clients ask for. All methods are thread-safe.

    :param allow_private: also accept loopback, private and other addresses that are not public.
    """

    def __init__(self, recorded: WebhookStore, keys: Keys, *, allow_private: bool = False) -> None:
        self._recorded = recorded
        self._keys = keys
        self._allow_private = allow_private

    def check(self, url: str, owner: Key) -> None:
        """
        Check a request for a webhook, without a look-up of the host name.

        :raises HttpError: 400, there is no secret to sign with, the URL is too long or is not an absolute http or https
            URL, or it names an address that is refused.
        """
        if self._keys.webhook_secret(owner.name) is None:
            raise bad_request("webhook_url needs a secret that signs webhooks, and this service has none for this key")
        if len(url) > LONGEST_WEBHOOK_URL or not is_fetchable(url):
            raise bad_request(
                f"webhook_url must be an absolute http or https URL of at most {LONGEST_WEBHOOK_URL} characters"
            )
        host = str(URL(url).host)
        # The addresses of a host name are checked when the service connects to them.
        if _is_address(host) and not is_allowed(host, allow_private=self._allow_private):
            raise bad_request(f"webhook_url names the address {host}, and this service does not send webhooks to it")

    def add(self, job_id: str, owner: Key, url: str) -> None:
        """Record the webhook of a job. The job itself is recorded after this."""
        self._recorded.add(job_id, owner.name, url)

    def remove(self, job_id: str) -> None:
        """Delete the webhook of a job, if it has one."""
        self._recorded.remove(job_id)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        return False
    return True
