"""Run an S3 server on loopback."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

#: The bucket that the server has.
BUCKET = "documents"
KEY = "key"
SECRET = "s3cret-of-s3"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class S3Server:
    """A server that runs. ``client`` is boto3's."""

    port: int
    client: Any

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that uses the server with its own credentials."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
        }


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Run moto's server with an empty bucket, in threads of this process."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it logs each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        port = server.get_host_and_port()[1]
        client = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )
        client.create_bucket(Bucket=BUCKET)
        yield S3Server(port, client)
    finally:
        server.stop()
