"""The object store: a folder, or S3. Invoices lie under the name of their own content, drive files under random keys.

Whatever keeps a store from answering is `DependencyDown`: consumers pause, requests answer 503, nothing is lost.
"""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from services.documents.storage.folder import FolderStore
from services.documents.storage.interface import (
    CONNECTIONS,
    FRESH,
    Appender,
    AppendStore,
    ChecksumMismatch,
    Flushed,
    InUse,
    ObjectMissing,
    Piece,
    State,
    Storage,
    StoredKey,
    StoredObject,
    StoreFull,
    name_of,
    new_key,
)
from services.documents.storage.s3 import S3Store

__all__ = [
    "CONNECTIONS",
    "FRESH",
    "AppendStore",
    "Appender",
    "ChecksumMismatch",
    "Flushed",
    "FolderStore",
    "InUse",
    "ObjectMissing",
    "Piece",
    "S3Store",
    "State",
    "Storage",
    "StoreFull",
    "StoredKey",
    "StoredObject",
    "name_of",
    "new_key",
    "storage_at",
]


def storage_at(url: str, *, access_key: str = "", secret_key: str = "") -> Storage:
    """The store of a settings URL.

    Raises:
        ValueError: neither ``file:`` nor ``s3:``.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStore(Path(url.removeprefix("file://").removeprefix("file:")))
    if parts.scheme == "s3":
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        endpoint = options.get("endpoint", "https://s3.amazonaws.com")
        keys = (access_key, secret_key)
        return S3Store(parts.netloc, endpoint=endpoint, region=options.get("region", "us-east-1"), keys=keys)
    raise ValueError("storage_url begins with file: or s3:")
