"""What tests of uploads share: headers of the protocol, and made-up bytes."""

import base64
import hashlib
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient, Response

from services.documents.storage import Storage

VERSION = {"Tus-Resumable": "1.0.0"}
BYTES = VERSION | {"Content-Type": "application/offset+octet-stream"}


def some_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def metadata(name: str = "gespräche.csv", kind: str = "text/csv", parent: UUID | str | None = None) -> str:
    values = {"filename": name, "filetype": kind} | ({"parent": str(parent)} if parent else {})
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def checksum(content: bytes, algorithm: str = "sha256") -> dict[str, str]:
    digest = hashlib.new(algorithm, content).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


async def pieces(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


class Tus:
    """One person's uploads, spoken by hand."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    async def begin(self, length: int, *, parent: Any = None, name: str = "gespräche.csv", **headers: str) -> Response:
        said = VERSION | {"Upload-Length": str(length), "Upload-Metadata": metadata(name, parent=parent)} | headers
        return await self.client.post("/exchange/uploads", headers=said)

    async def begun(self, length: int, **more: Any) -> str:
        """The path of a new upload at the service."""
        answer = await self.begin(length, **more)
        assert answer.status_code == 201, answer.text
        return path_of(answer)

    async def send(self, path: str, offset: int, content: Any, **headers: str) -> Response:
        said = (
            BYTES | {"Upload-Offset": str(offset)} | {name.replace("_", "-"): value for name, value in headers.items()}
        )
        return await self.client.patch(path, content=content, headers=said)

    async def offset(self, path: str) -> int:
        answer = await self.client.head(path, headers=VERSION)
        assert answer.status_code == 200, answer.headers
        return int(answer.headers["Upload-Offset"])

    async def upload(self, content: bytes, **more: Any) -> str:
        """All at once."""
        path = await self.begun(len(content), **more)
        answer = await self.send(path, 0, content)
        assert answer.status_code == 204, answer.text
        return path


def path_of(answer: Response) -> str:
    return answer.headers["Location"].removeprefix("/api/v1")


def code_of(answer: Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


async def stored(storage: Storage, key: str) -> bytes:
    return b"".join([chunk async for chunk in storage.appended.open(key)])
