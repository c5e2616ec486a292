"""What tests of the exchange drive share: two sides of one drive, and what its rows must always add up to."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from httpx2 import AsyncClient, Response
from sqlalchemy import select

from services.documents.models import Drive, DriveEntry, DriveUpload, DriveVersion
from tests.documents.conftest import OPERATOR, Portal
from tests.documents.uploading import BYTES, VERSION

CUSTOMER = {"modules": ("exchange",), "name": "Kerstin Kunde"}
STAFF = OPERATOR | {"name": "Ole Betreiber"}
Row = dict[str, Any]


@dataclass
class Hand:
    """One person at the drive."""

    client: AsyncClient

    async def get(self, path: str, expected: int = 200, **params: Any) -> Any:
        answer = await self.client.get(f"/exchange/{path}", params=params)
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def names(self, parent: Any = None, **params: Any) -> list[str]:
        more = {"parent": str(parent)} if parent else {}
        return [row["name"] for row in (await self.get("entries", **more, **params))["items"]]

    async def named(self, name: str, parent: Any = None) -> Row:
        more = {"parent": str(parent)} if parent else {}
        (row,) = [row for row in (await self.get("entries", limit=200, **more))["items"] if row["name"] == name]
        return row

    async def try_folder(self, name: Any, parent: Any = None) -> Response:
        return await self.client.post("/exchange/folders", json={"name": name, "parent": parent})

    async def folder(self, name: str, parent: Any = None) -> Row:
        answer = await self.try_folder(name, parent)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def upload(
        self, name: str, content: bytes = b"call records", parent: Any = None, kind: str = "text/csv"
    ) -> Row:
        values = {"filename": name, "filetype": kind} | ({"parent": str(parent)} if parent else {})
        told = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
        headers = {"Upload-Length": str(len(content)), "Upload-Metadata": told}
        if content:
            headers |= BYTES
        answer = await self.client.post("/exchange/uploads", content=content, headers=VERSION | headers)
        assert answer.status_code == 201, answer.text
        return await self.named(name, parent)

    async def change(self, row: Row, expected: int = 200, **body: Any) -> Any:
        answer = await self.client.patch(
            f"/exchange/entries/{row['id']}", json=body, headers={"If-Match": f'"{row["version"]}"'}
        )
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def remove(self, row: Row, expected: int = 204) -> None:
        """Into the trash, or what is in the trash for good."""
        newest = await self.client.get(f"/exchange/entries/{row['id']}")
        tag = newest.headers.get("etag", '"0"')
        answer = await self.client.delete(f"/exchange/entries/{row['id']}", headers={"If-Match": tag})
        assert answer.status_code == expected, answer.text

    async def restore(self, row: Row, expected: int = 200) -> Any:
        answer = await self.client.post(f"/exchange/entries/{row['id']}/restore")
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def content(self, row: Row, *, method: str = "GET", headers: Any = None, **params: Any) -> Response:
        return await self.client.request(
            method, f"/exchange/files/{row['id']}/content", params=params, headers=headers or {}
        )

    async def usage(self) -> Any:
        return await self.get("usage")


@asynccontextmanager
async def both_sides(portal: Portal, customer_id: UUID) -> AsyncIterator[tuple[Hand, Hand]]:
    """Somebody of the customer's, and somebody of the operator's staff."""
    async with portal.as_user(customer_id, **CUSTOMER) as ours, portal.as_user(customer_id, **STAFF) as theirs:
        yield Hand(ours), Hand(theirs)


async def check_sums(portal: Portal, customer_id: UUID) -> None:
    """Every size and count on the drive, reckoned anew from its rows."""
    async with portal.database.reading() as session:
        drive = await session.get(Drive, customer_id)
        mine = DriveEntry.customer_id == customer_id
        entries = {entry.id: entry for entry in (await session.scalars(select(DriveEntry).where(mine))).all()}
        of_drive = select(DriveVersion).where(DriveVersion.entry_id.in_(list(entries)))
        versions = (await session.scalars(of_drive)).all()
        uploads = (await session.scalars(select(DriveUpload).where(DriveUpload.customer_id == customer_id))).all()
    if drive is None:
        assert not entries
        return
    assert drive.used_bytes == sum(version.size_bytes for version in versions)
    assert drive.reserved_bytes == sum(one.length_bytes for one in uploads if one.finished_at is None)
    newest = {version.id: version for version in versions}
    for entry in entries.values():
        if not entry.is_folder:
            assert entry.current_version_id is not None
            assert entry.size_bytes == newest[entry.current_version_id].size_bytes
            continue
        inside = [one for one in entries.values() if one.parent_id == entry.id and one.trash_id == entry.trash_id]
        assert entry.size_bytes == sum(one.size_bytes for one in inside), entry.name
        assert (entry.folders, entry.files) == (
            sum(one.is_folder for one in inside),
            sum(not one.is_folder for one in inside),
        )
        keys = [one.name_key for one in inside]
        assert len(keys) == len(set(keys))
