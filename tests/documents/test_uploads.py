"""tus 1.0.0: what is stored is acknowledged, what is acknowledged is stored, and the end is a file on the drive."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update

from chassis.db import utc_now
from services.documents.models import DoomedObject, Drive, DriveEntry, DriveUpload, DriveVersion
from services.documents.settings import Settings
from services.documents.uploads.ending import expire, finish_left_behind
from services.documents.uploads.lease import Owner, commit, take
from services.documents.uploads.writing import Means
from tests.documents.conftest import OPERATOR, Portal
from tests.documents.uploading import (
    BYTES,
    VERSION,
    Tus,
    checksum,
    code_of,
    metadata,
    path_of,
    pieces,
    some_bytes,
    stored,
)

CONTENT = some_bytes(3_000_000)
ANNA = uuid4()


@pytest.fixture
def customer_id() -> UUID:
    return uuid4()


@pytest.fixture
async def tus(portal: Portal, customer_id: UUID) -> AsyncIterator[Tus]:
    async with portal.as_user(customer_id, sub=str(ANNA)) as client:
        yield Tus(client)


async def the_version(portal: Portal) -> DriveVersion:
    (version,) = await portal.rows(DriveVersion)
    assert isinstance(version, DriveVersion)
    return version


async def usage(portal: Portal) -> tuple[int, int]:
    (drive,) = await portal.rows(Drive)
    return drive.used_bytes, drive.reserved_bytes


async def test_the_protocol_is_described(tus: Tus) -> None:
    answer = await tus.client.options("/exchange/uploads")

    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "expiration",
        "checksum",
        "termination",
    }
    assert int(answer.headers["Tus-Max-Size"]) == 50 * 1024**3


async def test_an_upload_becomes_a_file_with_its_hash(portal: Portal, tus: Tus, customer_id: UUID) -> None:
    begun = await tus.begin(len(CONTENT))
    assert begun.status_code == 201
    assert begun.headers["Location"].startswith("/api/v1/exchange/uploads/")
    expires = parsedate_to_datetime(begun.headers["Upload-Expires"])
    assert timedelta(days=6, hours=23) < expires - utc_now() < timedelta(days=7, minutes=1)
    assert await usage(portal) == (0, len(CONTENT))

    path = path_of(begun)
    first = await tus.send(path, 0, CONTENT[:1_000_001])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "1000001")
    assert await tus.offset(path) == 1_000_001
    last = await tus.send(path, 1_000_001, pieces(CONTENT[1_000_001:]))

    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(CONTENT)))
    version = await the_version(portal)
    assert version.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert await stored(portal.storage, version.object_key) == CONTENT
    assert await usage(portal) == (len(CONTENT), 0)
    (file,) = await portal.rows(DriveEntry, DriveEntry.kind == "file")
    assert (file.name, file.side, file.created_by, file.customer_id) == (
        "gespräche.csv",
        "customer",
        "Anna Beispiel",
        customer_id,
    )
    assert len(await portal.emitted("documents.file.shared.v1")) == 1


async def test_what_was_declared_can_be_asked_for(tus: Tus) -> None:
    path = await tus.begun(10)

    answer = await tus.client.head(path, headers=VERSION)

    assert answer.headers["Upload-Length"] == "10"
    assert answer.headers["Upload-Offset"] == "0"
    assert answer.headers["Upload-Metadata"] == metadata()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_bytes_may_come_along_with_the_creation(portal: Portal, tus: Tus) -> None:
    headers = BYTES | {"Upload-Length": str(len(CONTENT)), "Upload-Metadata": metadata()}

    half = await tus.client.post(
        "/exchange/uploads", content=CONTENT[:1000], headers=headers | checksum(CONTENT[:1000])
    )
    whole = await tus.client.post("/exchange/uploads", content=CONTENT, headers=headers)

    assert (half.status_code, half.headers["Upload-Offset"]) == (201, "1000")
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, str(len(CONTENT)))
    assert await tus.offset(path_of(half)) == 1000
    assert (await the_version(portal)).size_bytes == len(CONTENT)


async def test_an_empty_file_is_complete_at_once(portal: Portal, tus: Tus) -> None:
    await tus.begun(0)

    version = await the_version(portal)
    assert version.sha256 == hashlib.sha256(b"").hexdigest()
    assert await stored(portal.storage, version.object_key) == b""


async def test_the_same_name_makes_a_new_version(portal: Portal, tus: Tus) -> None:
    await tus.upload(b"first")
    await tus.upload(b"second", name="GESPRÄCHE.csv")

    assert await portal.count(DriveEntry, DriveEntry.kind == "file") == 1
    assert {version.number: version.size_bytes for version in await portal.rows(DriveVersion)} == {1: 5, 2: 6}


@pytest.mark.parametrize(
    ("headers", "refusal"),
    [
        ({"Tus-Resumable": "0.2.2"}, (412, "tus_version_not_supported")),
        ({"Upload-Length": ""}, (400, "upload_header_invalid")),
        ({"Upload-Length": "-1"}, (400, "upload_header_invalid")),
        ({"Upload-Length": "12x"}, (400, "upload_header_invalid")),
        ({"Upload-Length": str(50 * 1024**3 + 1)}, (413, "upload_too_large")),
        ({"Upload-Defer-Length": "1"}, (400, "upload_length_missing")),
        ({"Upload-Metadata": "filename %%%"}, (400, "upload_header_invalid")),
        ({"Upload-Metadata": ""}, (422, "invalid")),
        ({"Upload-Metadata": metadata("a/b")}, (422, "invalid")),
        ({"Upload-Metadata": metadata("..")}, (422, "invalid")),
        ({"Upload-Metadata": metadata("con.txt")}, (422, "invalid")),
        ({"Upload-Metadata": metadata("a\u202ecsv.exe")}, (422, "invalid")),
        ({"Upload-Metadata": metadata("x" * 300)}, (422, "invalid")),
        ({"Upload-Metadata": metadata(parent="root")}, (422, "invalid")),
        ({"Upload-Metadata": metadata(parent=uuid4())}, (404, "entry_not_found")),
    ],
)
async def test_what_cannot_be_is_refused_before_a_byte(
    portal: Portal, tus: Tus, headers: dict[str, str], refusal: tuple[int, str]
) -> None:
    answer = await tus.client.post(
        "/exchange/uploads", headers=VERSION | {"Upload-Length": "5", "Upload-Metadata": metadata()} | headers
    )

    assert code_of(answer) == refusal
    assert await portal.count(DriveUpload) == 0


async def test_an_upload_needs_its_length(tus: Tus) -> None:
    answer = await tus.client.post("/exchange/uploads", headers=VERSION | {"Upload-Metadata": metadata()})

    assert code_of(answer) == (400, "upload_length_missing")


async def test_a_foreign_upload_is_like_none(portal: Portal, tus: Tus, customer_id: UUID) -> None:
    path = await tus.begun(5)
    unknown = f"/exchange/uploads/{uuid4()}"
    strangers = ({"cust": str(uuid4())}, {"sub": str(uuid4())}, {**OPERATOR, "sub": str(uuid4())})

    for claims in strangers:
        async with portal.as_user(customer_id, **claims) as client:
            foreign = Tus(client)
            for one in (path, unknown):
                assert (await client.head(one, headers=VERSION)).status_code == 404
                assert code_of(await foreign.send(one, 0, b"x")) == (404, "upload_not_found")
                assert code_of(await client.delete(one, headers=VERSION)) == (404, "upload_not_found")

    assert await tus.offset(path) == 0


async def test_wrong_offsets_and_kinds_store_nothing(portal: Portal, tus: Tus) -> None:
    path = await tus.begun(10)

    assert code_of(await tus.send(path, 5, b"12345")) == (409, "offset_mismatch")
    assert code_of(await tus.send(path, 0, b"12345", Content_Type="application/json")) == (415, "unsupported_media")
    assert code_of(await tus.send(path, 0, b"12345", Upload_Offset="x")) == (400, "upload_header_invalid")
    assert code_of(await tus.send(path, 0, b"12345", Tus_Resumable="2.0")) == (412, "tus_version_not_supported")
    assert code_of(await tus.send(path, 0, b"x" * 11)) == (413, "more_than_declared")
    assert code_of(await tus.send(path, 0, pieces(b"x" * 11, 3))) == (413, "more_than_declared")

    assert await tus.offset(path) <= 10
    again = await tus.offset(path)
    assert (await tus.send(path, again, b"y" * (10 - again))).status_code == 204
    version = await the_version(portal)
    assert version.size_bytes == 10


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
async def test_a_checksum_decides_whether_the_bytes_count(portal: Portal, tus: Tus, algorithm: str) -> None:
    path = await tus.begun(len(CONTENT))
    half = len(CONTENT) // 2
    assert (await tus.send(path, 0, CONTENT[:half], **checksum(CONTENT[:half], algorithm))).status_code == 204

    wrong = await tus.send(path, half, CONTENT[half:], **checksum(CONTENT, algorithm))

    assert code_of(wrong) == (460, "upload_checksum_mismatch")
    assert await tus.offset(path) == half
    assert code_of(await tus.send(path, half, b"x", **{"Upload-Checksum": "md5 AAAA"})) == (
        400,
        "checksum_algorithm_not_supported",
    )
    assert code_of(await tus.send(path, half, b"x", **{"Upload-Checksum": "sha1 AAAA"})) == (
        400,
        "upload_header_invalid",
    )
    assert (await tus.send(path, half, CONTENT[half:], **checksum(CONTENT[half:], algorithm))).status_code == 204
    assert (await the_version(portal)).sha256 == hashlib.sha256(CONTENT).hexdigest()


async def test_giving_up_gives_the_room_back(portal: Portal, tus: Tus) -> None:
    path = await tus.begun(len(CONTENT))
    await tus.send(path, 0, CONTENT[:1000])

    assert (await tus.client.delete(path, headers=VERSION)).status_code == 204

    assert await usage(portal) == (0, 0)
    assert await portal.count(DoomedObject) == 1
    assert (await tus.client.head(path, headers=VERSION)).status_code == 410
    assert code_of(await tus.send(path, 1000, CONTENT[1000:])) == (410, "upload_gone")
    assert code_of(await tus.client.delete(path, headers=VERSION)) == (410, "upload_gone")


async def test_giving_up_what_is_complete_leaves_the_file(portal: Portal, tus: Tus) -> None:
    path = await tus.upload(b"all")

    assert (await tus.client.delete(path, headers=VERSION)).status_code == 204

    assert await usage(portal) == (3, 0)
    assert await portal.count(DoomedObject) == 0


async def test_after_its_time_an_upload_is_gone_and_its_room_is_free(portal: Portal, tus: Tus) -> None:
    path = await tus.begun(len(CONTENT))
    await tus.send(path, 0, CONTENT[:1000])
    async with portal.database.transaction() as session:
        await session.execute(update(DriveUpload).values(expires_at=utc_now() - timedelta(seconds=1)))

    assert code_of(await tus.send(path, 1000, CONTENT[1000:])) == (410, "upload_gone")
    assert await expire(portal.database.transaction) == 1
    assert await expire(portal.database.transaction) == 0

    assert await usage(portal) == (0, 0)
    assert (await tus.client.head(path, headers=VERSION)).status_code == 410


async def test_of_fifty_uploads_at_once_exactly_those_begin_that_fit(portal: Portal, tus: Tus) -> None:
    await tus.begun(1)
    async with portal.database.transaction() as session:
        await session.execute(update(Drive).values(quota_bytes=1 + 17 * 1000 + 999))

    answers = await asyncio.gather(*(tus.begin(1000, name=f"{number}.csv") for number in range(50)))

    assert [answer.status_code for answer in answers].count(201) == 17
    assert {code_of(answer) for answer in answers if answer.status_code != 201} == {(413, "quota_exceeded")}
    assert await usage(portal) == (0, 17_001)


async def test_the_side_is_that_of_the_person(portal: Portal, customer_id: UUID) -> None:
    async with portal.as_user(customer_id, **OPERATOR) as client:
        await Tus(client).upload(b"from the operator")
    async with portal.as_user(customer_id, cust=None, **OPERATOR) as client:
        assert code_of(await Tus(client).begin(5)) == (409, "no_customer_chosen")
    async with portal.as_user(customer_id, modules=("invoices",), role="member") as client:
        assert code_of(await Tus(client).begin(5)) == (403, "forbidden")

    assert (await the_version(portal)).side == "operator"


async def test_what_its_process_could_not_finish_is_finished_later(portal: Portal, tus: Tus, customer_id: UUID) -> None:
    """As if the process had died between the last byte and the file."""
    means = Means(
        portal.database.transaction, portal.database.reading, portal.storage.appended, portal.app.state.upload_hashes
    )
    for finishing in ("asked", "tidied"):
        path = await tus.begun(1000, name=finishing)
        upload_id = UUID(path.rpartition("/")[2])
        held = await take(means.transactions, Owner(customer_id, str(ANNA)), upload_id, 0)
        assert held
        appender = await means.store.writer(held.key, held.state, offset=0, length=1000)
        await appender.append([CONTENT[:1000]])
        flushed = await appender.flush(last=True)
        await appender.close()
        await commit(means.transactions, held, flushed.offset, flushed.state, let_go=True)
        if finishing == "asked":
            assert await tus.offset(path) == 1000
        else:
            assert await finish_left_behind(means, scanning=False) == 1

    files = await portal.rows(DriveEntry, DriveEntry.kind == "file")
    assert {(file.name, file.size_bytes, file.created_by) for file in files} == {
        ("asked", 1000, "Anna Beispiel"),
        ("tidied", 1000, "Anna Beispiel"),
    }
    assert await usage(portal) == (2000, 0)
    assert await finish_left_behind(means, scanning=False) == 0


def test_the_limit_is_a_setting() -> None:
    assert Settings.model_fields["upload_limit_bytes"].default == 50 * 1024**3


async def test_nobody_uploads_without_signing_in(portal: Portal, customer_id: UUID, tus: Tus) -> None:
    path = await tus.begun(5)
    async with portal.as_user(customer_id, amr=("pwd",)) as client:
        half = Tus(client)
        assert code_of(await half.begin(5)) == (401, "second_factor_required")
        assert code_of(await half.send(path, 0, b"x")) == (401, "second_factor_required")
    async with portal.as_user(customer_id, sub="anonymous", amr=(), sid=None, cust=None, role=None) as client:
        assert code_of(await Tus(client).begin(5)) == (401, "not_signed_in")
    async with portal.as_user(customer_id, amr=("api_token",), sid=None, scopes=("exchange:read",)) as client:
        assert code_of(await Tus(client).begin(5)) == (403, "forbidden")
    assert isinstance(tus.client, AsyncClient)
