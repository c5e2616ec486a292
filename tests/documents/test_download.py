"""Files: whole, in parts, not again; opened by a customer's user only; broken bytes never arrive complete."""

import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from services.documents.models import Document
from services.documents.storage import name_of
from tests.documents.conftest import OPERATOR, PDF, Portal, a_file, only_document

ETAG = f'"{hashlib.sha256(PDF).hexdigest()}"'


@dataclass
class Filed:
    portal: Portal
    customer_id: UUID
    document_id: str
    url: str


@pytest.fixture
async def filed(portal: Portal) -> Filed:
    customer_id = await portal.customer()
    await portal.invoice()
    async with portal.as_user(customer_id) as client:
        row = await only_document(client)
    return Filed(portal, customer_id, row["id"], f"/documents/{row['id']}/files/{row['files'][0]['id']}")


@pytest.fixture
async def client(filed: Filed) -> AsyncIterator[AsyncClient]:
    async with filed.portal.as_user(filed.customer_id) as client:
        yield client


async def opened_at(filed: Filed) -> Any:
    (document,) = await filed.portal.rows(Document)
    return document.first_opened_at


async def test_the_headers_of_a_file(client: AsyncClient, filed: Filed) -> None:
    shown = await client.get(filed.url)
    kept = await client.get(filed.url, params={"download": "1"})

    assert shown.content == kept.content == PDF
    assert shown.headers["etag"] == ETAG
    assert shown.headers["content-type"] == "application/pdf"
    assert shown.headers["content-length"] == str(len(PDF))
    assert shown.headers["accept-ranges"] == "bytes"
    assert shown.headers["content-security-policy"] == "sandbox"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert shown.headers["content-disposition"].startswith("inline;")
    assert kept.headers["content-disposition"].startswith("attachment;")


async def test_a_file_that_no_browser_should_show_is_an_attachment_with_its_name(portal: Portal) -> None:
    customer_id = await portal.customer()
    page = a_file(b"<html><script>alert(1)</script>", 'Prüf "1";%.html', media_type="text/html")
    await portal.invoice(files=[page])

    async with portal.as_user(customer_id) as client:
        row = await only_document(client)
        answer = await client.get(f"/documents/{row['id']}/files/{row['files'][0]['id']}")

    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Pr_f _1_;_.html\"; filename*=UTF-8''Pr%C3%BCf%20%221%22%3B%25.html"
    )


async def test_a_part_is_206(client: AsyncClient, filed: Filed) -> None:
    answer = await client.get(filed.url, headers={"range": "bytes=5-9"})

    assert answer.status_code == 206
    assert answer.content == PDF[5:10]
    assert answer.headers["content-range"] == f"bytes 5-9/{len(PDF)}"
    assert answer.headers["content-length"] == "5"


async def test_several_parts_come_with_their_borders(client: AsyncClient, filed: Filed) -> None:
    answer = await client.get(filed.url, headers={"range": "bytes=0-3, 10-11,-2"})

    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", answer.headers["content-type"])
    assert boundary
    assert answer.status_code == 206
    parts = answer.content.split(f"--{boundary[1]}".encode())
    bodies = [part.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") for part in parts[1:-1]]
    assert bodies == [PDF[:4], PDF[10:12], PDF[-2:]]
    assert parts[-1] == b"--\r\n"


async def test_what_lies_outside_is_416(client: AsyncClient, filed: Filed) -> None:
    answer = await client.get(filed.url, headers={"range": "bytes=9999-"})

    assert answer.status_code == 416
    assert answer.json()["code"] == "range_not_satisfiable"
    assert answer.headers["content-range"] == f"bytes */{len(PDF)}"


async def test_if_range_gives_the_part_only_of_the_same_file(client: AsyncClient, filed: Filed) -> None:
    changed_at = (await client.get(filed.url)).headers["last-modified"]
    part = {"range": "bytes=0-3"}

    same = [await client.get(filed.url, headers=part | {"if-range": known}) for known in (ETAG, changed_at)]
    other = await client.get(filed.url, headers=part | {"if-range": '"other"'})

    assert [answer.status_code for answer in same] == [206, 206]
    assert (other.status_code, other.content) == (200, PDF)


async def test_what_the_reader_has_is_304(client: AsyncClient, filed: Filed) -> None:
    same = await client.get(filed.url, headers={"if-none-match": f'"x", W/{ETAG}'})
    other = await client.get(filed.url, headers={"if-none-match": '"other"'})

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", ETAG)
    assert (other.status_code, other.content) == (200, PDF)


async def test_head_tells_the_same_and_opens_nothing(client: AsyncClient, filed: Filed) -> None:
    answer = await client.head(filed.url)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(PDF))
    assert await opened_at(filed) is None


async def test_the_first_opening_by_a_customers_browser_counts_and_stays(client: AsyncClient, filed: Filed) -> None:
    await client.get("/documents")
    await client.get(f"/documents/{filed.document_id}")
    assert await opened_at(filed) is None

    await client.get(filed.url)
    first = await opened_at(filed)
    await client.get(filed.url)

    assert first is not None
    assert await opened_at(filed) == first
    assert (await only_document(client))["first_opened_at"] is not None


@pytest.mark.parametrize(
    "claims",
    [
        OPERATOR,
        {"act": str(uuid4())},
        {"sid": None, "amr": ("api_token",), "scopes": ("invoices:read",)},
    ],
    ids=["operator", "operator as a customer", "program"],
)
async def test_nobody_else_opens_a_document(filed: Filed, claims: dict[str, Any]) -> None:
    async with filed.portal.as_user(filed.customer_id, **claims) as other:
        answer = await other.get(filed.url)

    assert answer.content == PDF
    assert await opened_at(filed) is None


async def test_looks_of_the_operator_and_downloads_are_in_the_audit_log(filed: Filed, client: AsyncClient) -> None:
    async with filed.portal.as_user(filed.customer_id, **OPERATOR) as operator:
        await operator.get("/documents")
        await operator.get(f"/documents/{filed.document_id}")
        await operator.get(filed.url)
    await client.get("/documents")
    await client.get(filed.url, headers={"range": "bytes=0-3"})
    await client.get(filed.url, headers={"range": "bytes=4-"})

    lines = await filed.portal.emitted("documents.audit.recorded.v1")

    assert [(line["what"], line["result"]) for line in lines] == [
        ("documents_listed", "looked"),
        ("document_read", "looked"),
        ("file_read", "looked"),
        ("file_downloaded", "done"),
    ]
    assert {line["customer_id"] for line in lines} == {str(filed.customer_id)}
    assert all(line["address"] == "192.0.2.1" for line in lines)


async def test_a_large_file_comes_whole_and_in_parts(portal: Portal) -> None:
    content = b"%PDF-" + bytes(range(256)) * 4 * 4000
    customer_id = await portal.customer()
    await portal.invoice(files=[a_file(content)])

    async with portal.as_user(customer_id) as client:
        row = await only_document(client)
        url = f"/documents/{row['id']}/files/{row['files'][0]['id']}"
        whole = await client.get(url)
        part = await client.get(url, headers={"range": "bytes=1000000-1999999"})

    assert whole.content == content
    assert part.content == content[1_000_000:2_000_000]


async def test_broken_bytes_are_never_served_as_whole(
    filed: Filed, client: AsyncClient, documents_settings: dict[str, Any]
) -> None:
    folder = Path(documents_settings["storage_url"].removeprefix("file:"))
    (folder / name_of(hashlib.sha256(PDF).hexdigest())).write_bytes(PDF[:-1] + b"!")

    whole = await client.get(filed.url)
    part = await client.get(filed.url, headers={"range": "bytes=0-3"})

    assert (whole.status_code, part.status_code) == (503, 503)
    assert await opened_at(filed) is None


async def test_lost_bytes_are_503_and_nothing_counts_as_opened(
    filed: Filed, client: AsyncClient, documents_settings: dict[str, Any]
) -> None:
    folder = Path(documents_settings["storage_url"].removeprefix("file:"))
    (folder / name_of(hashlib.sha256(PDF).hexdigest())).unlink()

    answer = await client.get(filed.url)

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert await opened_at(filed) is None
