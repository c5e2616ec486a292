"""Both kinds of store for tests: a folder, and S3.

S3 is moto's server: a real HTTP server that speaks the protocol. It checks no signatures and keeps everything in
memory, so it proves neither that keys are right nor that anything is durable.
"""

import contextlib
import hashlib
from collections.abc import Iterator

from minio import Minio
from moto.server import ThreadedMotoServer


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


def new_bucket(endpoint: str, distinct: object) -> str:
    """The settings URL of a bucket that was just made."""
    bucket = f"b{hashlib.sha256(str(distinct).encode()).hexdigest()[:20]}"
    client = Minio(endpoint=endpoint.removeprefix("http://"), access_key="a", secret_key="b", secure=False, region="x")
    client.make_bucket(bucket_name=bucket)
    client._http.clear()
    return f"s3://{bucket}?endpoint={endpoint}&region=x"
