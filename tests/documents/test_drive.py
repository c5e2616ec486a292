"""Folders and files of the exchange drive: list, rename, move, versions, trash; names; what adds up."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from chassis.db import utc_now
from services.documents.drive.sweep import empty_trash, remove_doomed
from services.documents.models import DoomedObject, DriveEntry, DriveVersion
from tests.documents.conftest import Portal
from tests.documents.drive import CUSTOMER, STAFF, Hand, both_sides, check_sums


@pytest.fixture
async def customer_id(portal: Portal) -> UUID:
    return await portal.customer()


@pytest.fixture
async def hands(portal: Portal, customer_id: UUID) -> AsyncIterator[tuple[Hand, Hand]]:
    async with both_sides(portal, customer_id) as both:
        yield both


async def test_an_empty_drive(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands

    page = await ours.get("entries")
    usage = await ours.usage()

    assert page == {
        "items": [],
        "next_cursor": None,
        "totals": {"folders": 0, "files": 0, "bytes": 0},
        "path": [],
    }
    assert usage["quota"] == usage["free"] == 50 * 1024**3
    assert usage["used"] == usage["reserved"] == 0
    assert usage["scanning"] is False


async def test_folders_first_with_sizes_sides_and_totals(hands: tuple[Hand, Hand]) -> None:
    ours, theirs = hands
    folder = await theirs.folder("Gesprächsdaten")
    inner = await theirs.folder("2026", folder["id"])
    await theirs.upload("september.csv", b"x" * 700, inner["id"])
    await ours.upload("Änderung 10.txt", b"y" * 30)
    await ours.upload("anlage 9.txt", b"z" * 20)

    page = await ours.get("entries")
    below = await ours.get("entries", parent=inner["id"])

    assert [row["name"] for row in page["items"]] == ["Gesprächsdaten", "Änderung 10.txt", "anlage 9.txt"]
    assert page["totals"] == {"folders": 1, "files": 2, "bytes": 750}
    first, second, _ = page["items"]
    assert (first["size"], first["side"], first["created_by"]) == (700, "operator", "Ole Betreiber")
    assert (first["folders"], first["files"], first["scan"]) == (1, 0, None)
    assert (second["side"], second["created_by"], second["scan"]) == ("customer", "Kerstin Kunde", "not_scanned")
    assert second["read_by_other_side_at"] is None
    assert len(second["sha256"]) == 64
    assert [part["name"] for part in below["path"]] == ["Gesprächsdaten", "2026"]
    assert (await theirs.get("entries"))["items"] == page["items"]


SORTED = {
    "name": ["a", "b", "Bericht 2", "Bericht 10", "Größe", "Zahl"],
    "-name": ["b", "a", "Zahl", "Größe", "Bericht 10", "Bericht 2"],
    "size": ["a", "b", "Zahl", "Bericht 10", "Größe", "Bericht 2"],
    "-size": ["b", "a", "Bericht 2", "Größe", "Bericht 10", "Zahl"],
    "changed_at": ["a", "b", "Größe", "Bericht 2", "Zahl", "Bericht 10"],
    "-changed_at": ["b", "a", "Bericht 10", "Zahl", "Bericht 2", "Größe"],
}


@pytest.mark.parametrize("order", SORTED)
async def test_each_order_page_by_page(hands: tuple[Hand, Hand], order: str) -> None:
    ours, _ = hands
    await ours.folder("a")
    second = await ours.folder("b")
    for name, size in (("Größe", 40), ("Bericht 2", 50), ("Zahl", 20), ("Bericht 10", 30)):
        await ours.upload(name, b"." * size)
    await ours.upload("darin", b"." * 5, second["id"])

    found: list[str] = []
    cursor: str | None = None
    while True:
        page = await ours.get("entries", sort=order, limit=2, **({"cursor": cursor} if cursor else {}))
        found += [row["name"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert found == SORTED[order]


async def test_a_cursor_is_of_one_order(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    for name in ("a", "b"):
        await ours.folder(name)
    cursor = (await ours.get("entries", limit=1))["next_cursor"]

    assert (await ours.get("entries", 422, sort="size", cursor=cursor))["code"] == "invalid"
    assert (await ours.get("entries", 422, cursor="nonsense"))["code"] == "invalid"


BAD_NAMES = [
    "",
    ".",
    "..",
    "a/b",
    "a\\b",
    "../../etc/passwd",
    "ends with a dot.",
    "ends with a space ",
    "line\nbreak",
    "null\x00byte",
    "bell\x07",
    "umkehr\u202egpj.exe",
    "isolat\u2066e",
    "CON",
    "nul.txt",
    "Com1",
    "LPT9.csv",
    "ä" * 128,
    "x" * 300,
    "para\u2029graph",
]


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_names_that_are_refused(hands: tuple[Hand, Hand], name: str) -> None:
    ours, _ = hands
    folder = await ours.folder("fine")

    made = await ours.try_folder(name)
    renamed = await ours.change(folder, 422, name=name)

    assert made.status_code == 422
    for answer in (made.json(), renamed):
        assert [error["pointer"] for error in answer["errors"]] == ["/name"]


@pytest.mark.parametrize("name", ['Bericht: "Q3"?', " führend", "x" * 255, "ä" * 127, ".versteckt", "Ελληνικά 日本"])
async def test_names_that_are_taken(hands: tuple[Hand, Hand], name: str) -> None:
    ours, _ = hands

    assert (await ours.folder(name))["name"] == name
    assert await ours.names() == [name]


async def test_the_same_name_in_another_spelling_is_taken(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    await ours.folder("Größe")

    for same in ("größe", "GRÖSSE", "Gro\u0308ße"):
        assert (await ours.try_folder(same)).json()["code"] == "name_taken"
    other = await ours.folder("other")
    assert (await ours.change(other, 409, name="GRÖßE"))["code"] == "name_taken"
    assert (await ours.change(other, name="OTHER"))["name"] == "OTHER"


async def test_a_folder_is_never_moved_into_itself_or_below(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    top = await ours.folder("top")
    middle = await ours.folder("middle", top["id"])
    below = await ours.folder("below", middle["id"])

    for target in (top, middle, below):
        assert (await ours.change(top, 409, parent=target["id"]))["code"] == "folder_into_itself"
    moved = await ours.change(below, parent=None)

    assert (moved["parent"], moved["path"]) == (None, [])
    assert await ours.names() == ["below", "top"]


async def test_moving_brings_all_sizes_along(portal: Portal, customer_id: UUID, hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    left, right = await ours.folder("left"), await ours.folder("right")
    inner = await ours.folder("inner", left["id"])
    await ours.upload("a.csv", b"x" * 100, inner["id"])

    moved = await ours.change(inner, parent=right["id"], name="renamed")

    assert [part["name"] for part in moved["path"]] == ["right"]
    assert {row["name"]: row["size"] for row in (await ours.get("entries"))["items"]} == {"left": 0, "right": 100}
    await check_sums(portal, customer_id)


async def test_if_match_guards_changes(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    folder = await ours.folder("a")
    url = f"/exchange/entries/{folder['id']}"

    missing = await ours.client.patch(url, json={"name": "b"})
    wrong = await ours.client.patch(url, json={"name": "b"}, headers={"If-Match": '"7"'})
    removed = await ours.client.delete(url)

    assert (missing.status_code, wrong.status_code, removed.status_code) == (428, 412, 428)
    assert (await ours.client.get(url)).headers["etag"] == '"1"'


async def test_a_second_upload_of_a_name_is_a_new_version(
    portal: Portal, customer_id: UUID, hands: tuple[Hand, Hand]
) -> None:
    ours, theirs = hands
    first = await ours.upload("bericht.csv", b"one")
    second = await theirs.upload("bericht.csv", b"second")

    versions = await ours.get(f"files/{first['id']}/versions")

    assert second["id"] == first["id"]
    assert (second["number"], second["side"], second["size"]) == (2, "operator", 6)
    assert [(one["number"], one["side"], one["size"]) for one in versions] == [(2, "operator", 6), (1, "customer", 3)]
    assert (await ours.content(first, version=1)).content == b"one"
    assert (await ours.content(first)).content == b"second"
    assert (await ours.content(first, version=3)).status_code == 404
    assert (await ours.usage())["used"] == 9
    await check_sums(portal, customer_id)
    told = await portal.emitted("documents.file.shared.v1")
    assert [(one["kind"], one["side"], one["shared_by"]) for one in told] == [
        ("new", "customer", "Kerstin Kunde"),
        ("new_version", "operator", "Ole Betreiber"),
    ]


async def test_a_file_beside_a_folder_of_its_name_gets_a_number(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    await ours.folder("Daten.tar.gz")
    values = await ours.client.post(
        "/exchange/uploads",
        headers={"Tus-Resumable": "1.0.0", "Upload-Length": "0", "Upload-Metadata": "filename RGF0ZW4udGFyLmd6"},
    )

    assert values.status_code == 201
    assert await ours.names() == ["Daten.tar.gz", "Daten (2).tar.gz"]


async def test_the_trash_takes_all_below_and_gives_it_back(
    portal: Portal, customer_id: UUID, hands: tuple[Hand, Hand]
) -> None:
    ours, theirs = hands
    folder = await ours.folder("Ordner")
    inner = await ours.folder("innen", folder["id"])
    file = await ours.upload("a.csv", b"x" * 100, inner["id"])
    earlier = await ours.upload("b.csv", b"y" * 10, inner["id"])
    await ours.remove(earlier)
    await ours.remove(folder)

    assert await ours.names() == []
    assert (await ours.content(file)).status_code == 404
    trash = await theirs.get("trash")
    assert [row["name"] for row in trash["items"]] == ["Ordner", "b.csv"]
    assert trash["items"][0]["trashed_by"] == "Kerstin Kunde"
    assert (await ours.usage())["used"] == 110
    await ours.folder("ordner")
    await check_sums(portal, customer_id)

    back = await ours.restore(folder)

    assert back["name"] == "Ordner (2)"
    assert (await ours.content(file)).content == b"x" * 100
    assert (await ours.restore(earlier))["parent"] == inner["id"]
    assert await ours.names(inner["id"]) == ["a.csv", "b.csv"]
    assert (await ours.get("trash"))["items"] == []
    await ours.restore(folder, 404)
    await check_sums(portal, customer_id)


async def test_restored_to_the_nearest_folder_that_is_there(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    top = await ours.folder("top")
    middle = await ours.folder("middle", top["id"])
    file = await ours.upload("a.csv", b"x", middle["id"])
    other = await ours.upload("b.csv", b"y", middle["id"])
    await ours.remove(file)
    await ours.remove(other)
    await ours.remove(middle)

    assert (await ours.restore(file))["parent"] == top["id"]
    await ours.remove(middle)
    await ours.remove(top)
    assert (await ours.restore(other))["parent"] is None


async def test_removed_for_good(portal: Portal, customer_id: UUID, hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    folder = await ours.folder("Ordner")
    file = await ours.upload("a.csv", b"x" * 100, folder["id"])
    await ours.upload("a.csv", b"y" * 50, folder["id"])
    (key, _other) = [version.object_key for version in await portal.rows(DriveVersion)]
    await ours.remove(folder)
    await ours.remove(folder)

    assert (await ours.usage())["used"] == 0
    assert (await ours.get("trash"))["items"] == []
    await ours.get(f"entries/{folder['id']}", 404)
    await ours.get(f"entries/{file['id']}", 404)
    assert await portal.count(DoomedObject) == 2
    assert await remove_doomed(portal.database, portal.storage.appended) == 2
    assert await portal.count(DoomedObject) == 0
    with pytest.raises(Exception, match=key.removeprefix("drive/")):
        await anext(portal.storage.appended.open(key))
    await check_sums(portal, customer_id)


async def test_the_trash_is_emptied_after_thirty_days(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    old, new = await ours.folder("old"), await ours.folder("new")
    await ours.upload("a.csv", b"x" * 100, old["id"])
    await ours.remove(old)
    await ours.remove(new)
    then = utc_now() - portal.app.state.settings.drive_trash_kept
    assert await empty_trash(portal.database, thrown_before=then) == 0
    async with portal.database.transaction() as session:
        aged = update(DriveEntry).where(DriveEntry.trash_id == UUID(old["id"]))
        await session.execute(aged.values(trashed_at=then))

    assert await empty_trash(portal.database, thrown_before=then + timedelta(seconds=1)) == 1
    assert [row["name"] for row in (await ours.get("trash"))["items"]] == ["new"]
    assert (await ours.usage())["used"] == 0


async def test_nothing_of_another_customer_exists(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    folder = await ours.folder("geheim")
    file = await ours.upload("geheim.csv", b"x", folder["id"])
    await ours.remove(await ours.folder("weg"))
    stranger_id = await portal.customer("KD-10002")

    async with portal.as_user(stranger_id, **CUSTOMER) as client:
        stranger = Hand(client)
        own = await stranger.folder("eigen")
        assert await stranger.names() == ["eigen"]
        for row in (folder, file, {"id": str(uuid4()), "version": 1}):
            await stranger.get(f"entries/{row['id']}", 404)
            await stranger.get(f"files/{row['id']}/versions", 404)
            await stranger.get(f"folders/{row['id']}/archive", 404)
            assert (await stranger.content(row)).status_code == 404
            await stranger.get("entries", 404, parent=row["id"])
            await stranger.change(row, 404, name="mine")
            await stranger.change(own, 404, parent=row["id"])
            await stranger.restore(row, 404)
            await stranger.remove(row, 404)
            assert (await stranger.try_folder("x", row["id"])).status_code == 404
        assert (await stranger.get("trash"))["items"] == []


async def test_every_change_and_the_operators_looks_are_audited(portal: Portal, hands: tuple[Hand, Hand]) -> None:
    ours, theirs = hands
    folder = await ours.folder("a")
    await ours.get("entries")
    await theirs.get("entries")
    await theirs.get("trash")
    file = await ours.upload("f.csv", b"x", folder["id"])
    await theirs.content(file)
    await ours.content(file)
    await ours.change(file, name="g.csv")
    await ours.remove(folder)
    await ours.restore(folder)

    lines = await portal.emitted("documents.audit.recorded.v1")

    assert [(line["what"], line["result"]) for line in lines] == [
        ("exchange_folder_created", "done"),
        ("exchange_listed", "looked"),
        ("exchange_trash_listed", "looked"),
        ("exchange_file_uploaded", "done"),
        ("exchange_file_read", "looked"),
        ("exchange_file_downloaded", "done"),
        ("exchange_entry_renamed", "done"),
        ("exchange_entry_trashed", "done"),
        ("exchange_entry_restored", "done"),
    ]


async def test_the_same_key_makes_one_folder(hands: tuple[Hand, Hand]) -> None:
    ours, _ = hands
    headers = {"Idempotency-Key": "once"}

    answers = [await ours.client.post("/exchange/folders", json={"name": "a"}, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert await ours.names() == ["a"]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_sizes_add_up_whatever_is_done(portal: Portal, customer_id: UUID, seed: int) -> None:
    """Used = sum of all versions not purged; a folder = what is in it; no two siblings of one name."""
    chance = random.Random(seed)
    async with both_sides(portal, customer_id) as hands:
        for step in range(60):
            await _anything(portal, chance.choice(hands), chance, step)
    await check_sums(portal, customer_id)


async def _anything(portal: Portal, hand: Hand, chance: random.Random, step: int) -> None:
    rows = await portal.rows(DriveEntry, DriveEntry.parent_id.is_not(None))
    living = [row for row in rows if row.trashed_at is None]
    tops = [row for row in rows if row.trash_id == row.id]
    folders: list[Any] = [None, *(str(row.id) for row in living if row.is_folder)]
    match chance.randrange(7):
        case 0:
            await hand.try_folder(chance.choice("abc"), chance.choice(folders))
        case 1 | 2:
            name = f"{chance.choice('ABCdef')}.txt"
            await hand.upload(name.lower(), b"." * chance.randrange(1, 500), chance.choice(folders))
        case 3 if living:
            row = chance.choice(living)
            body: dict[str, Any] = {"parent": chance.choice(folders)} | ({"name": f"m{step}"} if step % 2 else {})
            await hand.client.patch(f"/exchange/entries/{row.id}", json=body, headers={"If-Match": "*"})
        case 4 if living:
            await hand.client.delete(f"/exchange/entries/{chance.choice(living).id}", headers={"If-Match": "*"})
        case 5 if tops:
            await hand.client.delete(f"/exchange/entries/{chance.choice(tops).id}", headers={"If-Match": "*"})
        case 6 if tops:
            await hand.restore({"id": str(chance.choice(tops).id)})


async def test_the_module_and_a_chosen_customer_are_needed(portal: Portal, customer_id: UUID) -> None:
    async with portal.as_user(customer_id, modules=("invoices",)) as client:
        assert (await client.get("/exchange/entries")).status_code == 403
    async with portal.as_user(customer_id, **STAFF | {"cust": None}) as client:
        assert (await client.get("/exchange/entries")).json()["code"] == "no_customer_chosen"
    assert await portal.count(DriveEntry) == 0
