"""Files that are referred to instead of being sent: fetched from allowed places only, checked while they come."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from chassis.inbox import FailedEvent
from chassis.testing import calling, free_port
from services.documents.models import Document, FeedRecord, File
from services.documents.settings import Settings
from tests.documents.conftest import MACHINE, PDF, Portal, an_invoice

LIMIT = 300_000
LARGE = b"%PDF-" + bytes(LIMIT)


class Archive:
    """Somebody else's web server with files."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.files = {"a.pdf": PDF, "large.pdf": LARGE, "program.pdf": b"MZ" + PDF}
        self.down = False
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self.asked.append(name)
        if self.down:
            raise web.HTTPServiceUnavailable
        if name == "elsewhere":
            raise web.HTTPFound(f"{self.origin}/a.pdf")
        if name not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[name])


@pytest.fixture
async def archive() -> AsyncIterator[Archive]:
    port = free_port()
    archive = Archive(f"http://127.0.0.1:{port}")
    app = web.Application()
    app.router.add_get("/{name}", archive.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield archive
    await runner.cleanup()


@pytest.fixture
def documents_settings(tmp_path: Any, archive: Archive) -> dict[str, Any]:
    return {
        "storage_url": f"file:{tmp_path / 'objects'}",
        "allowed_file_origins": (archive.origin,),
        "fetch_limit_bytes": LIMIT,
    }


def by_url(url: str, content: bytes = PDF, **fields: Any) -> dict[str, Any]:
    sha256 = hashlib.sha256(content).hexdigest()
    entry = {"name": "a.pdf", "media_type": "application/pdf", "sha256": sha256, "url": url}
    return an_invoice(files=[entry | fields])


async def publish(portal: Portal, data: dict[str, Any], event_id: str = "1") -> str:
    return await portal.publish("billing.invoice.published.v1", data, event_id=event_id)


async def test_a_file_is_fetched_from_an_allowed_origin(portal: Portal, archive: Archive) -> None:
    await portal.customer()

    assert await publish(portal, by_url(f"{archive.origin}/a.pdf")) == "handled"

    (file,) = await portal.rows(File)
    assert file.size_bytes == len(PDF)
    assert b"".join([chunk async for chunk in portal.storage.open(file.sha256)]) == PDF


async def test_what_is_not_as_promised_is_buried(portal: Portal, archive: Archive) -> None:
    await portal.customer()
    program = archive.files["program.pdf"]
    wrong = {
        "checksum_mismatch": by_url(f"{archive.origin}/a.pdf", PDF + b"x"),
        "files_too_large": by_url(f"{archive.origin}/large.pdf", LARGE),
        "wrong_file_type": by_url(f"{archive.origin}/program.pdf", program),
    }

    for reason, data in wrong.items():
        assert await publish(portal, data, reason) == "buried"

    records = await portal.rows(FeedRecord)
    assert {record.event_id: record.reasons[0]["reason"] for record in records} == {reason: reason for reason in wrong}
    assert [one async for one in portal.storage.objects()] == []
    assert await portal.count(Document) == 0


async def test_other_places_are_never_asked(portal: Portal, archive: Archive) -> None:
    port = archive.origin.rsplit(":", 1)[1]
    urls = [
        f"http://localhost:{port}/a.pdf",
        f"https://127.0.0.1:{port}/a.pdf",
        f"http://user@127.0.0.1:{port}/a.pdf",
        f"{archive.origin}.example/a.pdf",
        f"{archive.origin}@192.0.2.1/a.pdf",
        f"{archive.origin}\\@192.0.2.1/a.pdf",
        f"http:127.0.0.1:{port}/a.pdf",
        f"http://127.0.0.1:{port}\t@192.0.2.1/a.pdf",
        "file:///etc/hostname",
        "http://[::1",
        "//127.0.0.1/a.pdf",
    ]

    for number, url in enumerate(urls):
        assert await publish(portal, by_url(url), str(number)) == "buried", url

    records = await portal.rows(FeedRecord)
    assert {record.reasons[0]["reason"] for record in records} == {"url_not_allowed"}
    assert archive.asked == []


async def test_a_redirect_is_not_followed(portal: Portal, archive: Archive) -> None:
    assert await publish(portal, by_url(f"{archive.origin}/elsewhere")) == "failed"

    assert archive.asked == ["elsewhere"]


async def test_while_the_other_server_is_down_the_event_is_tried_again_and_the_next_go_on(
    portal: Portal, archive: Archive
) -> None:
    await portal.customer()
    archive.down = True

    assert await publish(portal, by_url(f"{archive.origin}/a.pdf")) == "failed"
    assert await portal.invoice("RE-next") == "handled"
    archive.down = False
    assert await portal.consumer.retry_next()

    assert await portal.count(Document) == 2
    (failed,) = await portal.rows(FailedEvent)
    assert failed.state == "done"


async def test_by_http_an_unreachable_file_is_503_and_a_forbidden_one_422(portal: Portal, archive: Archive) -> None:
    async with calling(portal.app, MACHINE) as machine:
        missing = await machine.post("/billing/invoices", json=by_url(f"{archive.origin}/none.pdf"))
        forbidden = await machine.post("/billing/invoices", json=by_url("https://192.0.2.1/a.pdf"))
        tried = await machine.post(
            "/billing/invoices", json=by_url(f"{archive.origin}/a.pdf"), params={"dry_run": "true"}
        )

    assert (missing.status_code, missing.json()["code"]) == (503, "unavailable")
    assert (forbidden.status_code, forbidden.json()["code"]) == (422, "url_not_allowed")
    assert tried.status_code == 202
    assert [one async for one in portal.storage.objects()] == []


def test_a_store_that_does_not_fit_stops_the_start() -> None:
    s3 = "s3://bucket?endpoint=https://s3.example&region=x"
    safe = {
        "production": True,
        "public_url": "https://portal.example",
        "nats_user": "documents",
        "nats_password": "geheim",
    }

    Settings(storage_url=s3, allowed_buckets=("billing",))
    Settings(**safe, storage_url=s3, storage_access_key="a", storage_secret_key=SecretStr("b"))
    with pytest.raises(ValueError, match="allowed_buckets"):
        Settings(allowed_buckets=("billing",))
    with pytest.raises(ValueError, match="production needs storage"):
        Settings(**safe, storage_url=s3)


def test_an_allowed_origin_is_an_origin() -> None:
    for wrong in ("https://files.example/path", "files.example", "ftp://files.example"):
        with pytest.raises(ValueError, match="is not scheme"):
            Settings(allowed_file_origins=(wrong,))
