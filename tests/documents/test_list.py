"""Folders, filters, search, paging; and who sees what."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient
from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite

from services.documents.listing import Filters, View, newest_first
from tests.documents.conftest import OPERATOR, Portal, a_file

EVERYTHING = frozenset({"invoices", "call_records"})


async def numbers(client: AsyncClient, **params: Any) -> list[str]:
    answer = await client.get("/documents", params=params)
    assert answer.status_code == 200, answer.text
    return [row["number"] for row in answer.json()["items"]]


@pytest.fixture
async def customer_id(portal: Portal) -> UUID:
    """An archive of five."""
    customer_id = await portal.customer()
    await portal.invoice("RE-2025-000111", issued_on="2025-12-31", payment_state="paid", gross="11.90")
    await portal.invoice("RE-2026-004711", issued_on="2026-01-01", billing_account="Konto Nord", gross="1264.62")
    await portal.invoice("GS-2026-000001", issued_on="2026-01-15", kind="credit_note", gross="-11.90")
    await portal.document("EVN-2026-01", kind="call_records", title="Einzelverbindungen Januar", issued_on="2026-01-15")
    await portal.document("VB-2026-02", title="Verkehrsbericht Straße 5", issued_on="2026-02-01")
    return customer_id


async def test_newest_first_in_folders_of_year_and_month(portal: Portal, customer_id: UUID) -> None:
    async with portal.as_user(customer_id) as client:
        folders = (await client.get("/documents/folders")).json()
        assert folders == [
            {"year": 2026, "count": 4, "months": [{"month": 2, "count": 1}, {"month": 1, "count": 3}]},
            {"year": 2025, "count": 1, "months": [{"month": 12, "count": 1}]},
        ]
        assert len(await numbers(client)) == 5
        assert (await numbers(client))[0] == "VB-2026-02"
        assert (await numbers(client))[-1] == "RE-2025-000111"
        assert await numbers(client, year=2025) == ["RE-2025-000111"]
        assert set(await numbers(client, year=2026, month=1)) == {"RE-2026-004711", "GS-2026-000001", "EVN-2026-01"}
        assert await numbers(client, year=2024) == []


FOUND: list[tuple[dict[str, Any], list[str]]] = [
    ({"kind": "credit_note"}, ["GS-2026-000001"]),
    ({"payment_state": "paid"}, ["RE-2025-000111"]),
    ({"billing_account": "Konto Nord"}, ["RE-2026-004711"]),
    ({"q": "4711"}, ["RE-2026-004711"]),
    ({"q": "re-2025"}, ["RE-2025-000111"]),
    ({"q": "RE-2026-0047"}, ["RE-2026-004711"]),
    ({"q": "1.264,62"}, ["RE-2026-004711"]),
    ({"q": "1264.62"}, ["RE-2026-004711"]),
    ({"q": "STRASSE"}, ["VB-2026-02"]),
    ({"q": "einzel janu"}, ["EVN-2026-01"]),
    ({"q": "konto nord"}, ["RE-2026-004711"]),
    ({"q": "einzel februar"}, []),
    ({"q": "711"}, []),
    ({"q": "%"}, []),
    ({"q": "_"}, []),
    ({"q": "4711", "kind": "invoice", "year": 2026, "month": 1}, ["RE-2026-004711"]),
    ({"q": "4711", "kind": "credit_note"}, []),
]


@pytest.mark.parametrize("few", [500, -1], ids=["few found", "too many found"])
async def test_filters_and_search(portal: Portal, customer_id: UUID, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The word index and the walk over the list give the same answers."""
    monkeypatch.setattr("services.documents.api.documents.FEW", few)

    async with portal.as_user(customer_id) as client:
        answers = [(params, await numbers(client, **params)) for params, _ in FOUND]

    assert answers == FOUND


async def test_new_are_those_nobody_has_opened(portal: Portal, customer_id: UUID) -> None:
    async with portal.as_user(customer_id) as client:
        row = (await client.get("/documents", params={"q": "4711"})).json()["items"][0]
        await client.get(f"/documents/{row['id']}/files/{row['files'][0]['id']}")

        assert await numbers(client, new=False) == ["RE-2026-004711"]
        assert len(await numbers(client, new=True)) == 4


async def test_pages_follow_each_other_while_documents_come_in(portal: Portal) -> None:
    customer_id = await portal.customer()
    for number in range(7):
        await portal.invoice(f"RE-{number}", issued_on="2026-09-02" if number % 2 else "2026-08-02")
    seen: list[str] = []
    cursor: str | None = None

    async with portal.as_user(customer_id) as client:
        for page in range(10):
            params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
            body = (await client.get("/documents", params=params)).json()
            seen += [row["number"] for row in body["items"]]
            await portal.invoice(f"RE-new-{page}", issued_on="2026-10-01")
            cursor = body["next_cursor"]
            if cursor is None:
                break

    assert sorted(seen) == [f"RE-{number}" for number in range(7)]


async def test_a_foreign_cursor_is_422(portal: Portal) -> None:
    for cursor in ("x", "W10", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwgMV0", "ä", "WyIyMDI2LTAxLTAxIiwieCJd"):
        async with portal.as_user(uuid4()) as client:
            answer = await client.get("/documents", params={"cursor": cursor})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/cursor")


async def test_wrong_parameters_are_422(portal: Portal) -> None:
    wrong: list[dict[str, Any]] = [
        {"month": 1},
        {"year": "x"},
        {"year": 99999},
        {"month": 13, "year": 2026},
        {"kind": "bribe"},
        {"limit": 0},
        {"limit": 201},
        {"q": "\x00"},
        {"billing_account": "\x00"},
        {"q": "x" * 101},
    ]
    for params in wrong:
        async with portal.as_user(uuid4()) as client:
            answer = await client.get("/documents", params=params)

        assert answer.status_code == 422, params
        assert answer.json()["errors"]


async def test_what_belongs_to_others_does_not_exist(portal: Portal, customer_id: UUID) -> None:
    async with portal.as_user(customer_id) as owner:
        row = (await owner.get("/documents", params={"q": "4711"})).json()["items"][0]
    file = f"/documents/{row['id']}/files/{row['files'][0]['id']}"

    async with portal.as_user(uuid4()) as stranger:
        answers = [
            await stranger.get(url)
            for url in (
                f"/documents/{row['id']}",
                f"/documents/{uuid4()}",
                file,
                f"/documents/{uuid4()}/files/{uuid4()}",
            )
        ]
        assert await numbers(stranger) == []
        assert await numbers(stranger, q="4711") == []
        assert (await stranger.get("/documents/folders")).json() == []

    bodies = [answer.json() | {"request_id": ""} for answer in answers]
    assert [answer.status_code for answer in answers] == [404] * 4
    assert bodies == [bodies[0]] * 4


async def test_a_file_is_found_only_below_its_own_document(portal: Portal, customer_id: UUID) -> None:
    async with portal.as_user(customer_id) as client:
        first, second = (await client.get("/documents", params={"limit": 2})).json()["items"]
        answer = await client.get(f"/documents/{first['id']}/files/{second['files'][0]['id']}")

    assert answer.status_code == 404


async def test_call_records_are_seen_with_their_module_only(portal: Portal, customer_id: UUID) -> None:
    hidden = a_file(b"%PDF-calls", "evn.pdf", role="attachment", kind="call_records")
    await portal.invoice("RE-with", issued_on="2026-03-01", files=[a_file(), hidden])

    async with portal.as_user(customer_id) as all_modules:
        calls = (await all_modules.get("/documents", params={"kind": "call_records"})).json()["items"][0]
        invoice = (await all_modules.get("/documents", params={"q": "re-with"})).json()["items"][0]
        assert len(invoice["files"]) == 2
    async with portal.as_user(customer_id, role="member", modules=("invoices",)) as reader:
        assert "EVN-2026-01" not in await numbers(reader)
        assert await numbers(reader, kind="call_records") == []
        assert await numbers(reader, q="einzel") == []
        assert sum(year["count"] for year in (await reader.get("/documents/folders")).json()) == 5
        assert (await reader.get(f"/documents/{calls['id']}")).status_code == 404
        assert (await reader.get(f"/documents/{calls['id']}/files/{calls['files'][0]['id']}")).status_code == 404
        seen = (await reader.get(f"/documents/{invoice['id']}")).json()
        assert [file["name"] for file in seen["files"]] == ["rechnung.pdf"]
        attachment = f"/documents/{invoice['id']}/files/{invoice['files'][1]['id']}"
        assert (await reader.get(attachment)).status_code == 404
    async with portal.as_user(customer_id, role="member", modules=("call_records",)) as caller:
        assert await numbers(caller) == ["EVN-2026-01"]


async def test_without_the_module_403_and_half_a_session_401(portal: Portal) -> None:
    for path in ("/documents", "/documents/folders", f"/documents/{uuid4()}", f"/documents/{uuid4()}/files/{uuid4()}"):
        async with portal.as_user(uuid4(), role="member", modules=("graphs",)) as member:
            assert (await member.get(path)).status_code == 403
        async with portal.as_user(uuid4(), amr=("pwd",)) as half:
            answer = await half.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required")


async def test_an_api_token_reads_what_it_was_made_for(portal: Portal, customer_id: UUID) -> None:
    token = {"sid": None, "amr": ("api_token",)}
    async with portal.as_user(customer_id, **token, scopes=("invoices:read",)) as program:
        assert "EVN-2026-01" not in await numbers(program)
        assert len(await numbers(program)) == 4
    async with portal.as_user(customer_id, **token, scopes=("contracts:read",)) as other:
        assert (await other.get("/documents")).status_code == 403


async def test_an_operator_chooses_a_customer_first(portal: Portal, customer_id: UUID) -> None:
    async with portal.as_user(customer_id, **OPERATOR) as operator:
        assert len(await numbers(operator)) == 5
    async with portal.as_user(customer_id, **OPERATOR | {"cust": None}) as operator:
        answer = await operator.get("/documents")
        assert (answer.status_code, answer.json()["code"]) == (409, "no_customer_chosen")


async def test_titles_are_in_the_readers_language(portal: Portal) -> None:
    customer_id = await portal.customer()
    await portal.invoice("RE-1")
    titles = {}
    for language in ("de", "en"):
        async with portal.as_user(customer_id, lang=language) as client:
            titles[language] = (await client.get("/documents")).json()["items"][0]["title"]

    assert titles == {"de": "Rechnung RE-1", "en": "Invoice RE-1"}


PLANS = [
    (EVERYTHING, Filters(), "documents_newest_idx"),
    (EVERYTHING, Filters(year=2026, month=9), "documents_newest_idx"),
    (frozenset({"invoices"}), Filters(), "documents_module_idx"),
    (EVERYTHING, Filters(kind="letter"), "documents_kind_idx"),
    (EVERYTHING, Filters(payment_state="open"), "documents_payment_state_idx"),
    (EVERYTHING, Filters(billing_account="7"), "documents_billing_account_idx"),
    (EVERYTHING, Filters(new=True), "documents_new_idx"),
]


async def test_a_page_is_read_from_an_index_in_its_order(portal: Portal) -> None:
    """No sorting and no walk over all documents, so that the millionth costs what the first does."""
    customer_id = uuid4()
    await fill(portal, customer_id, 3000)
    for modules, filters, index in PLANS:
        after = (date(2026, 9, 1), uuid4())
        page = newest_first(View(customer_id, modules), filters, after=after, limit=50)

        plan = await explain(portal, page)

        assert index in plan, plan
        assert "Sort" not in plan, plan
        assert "TEMP B-TREE" not in plan, plan


async def explain(portal: Portal, statement: Any) -> str:
    dialect: Any = sqlite.dialect() if portal.database.is_sqlite else postgresql.dialect()
    words = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    explained = "EXPLAIN QUERY PLAN" if portal.database.is_sqlite else "EXPLAIN"
    async with portal.database.transaction() as session:
        if not portal.database.is_sqlite:
            await session.execute(text("ANALYZE documents"))
        rows = await session.execute(text(f"{explained} {words}".replace(":", "\\:")))
        return "\n".join(str(row) for row in rows)


async def fill(portal: Portal, customer_id: UUID, count: int) -> None:
    """Rows as filing leaves them, without files and words."""
    kinds = ("invoice", "credit_note", "call_records", "letter")
    rows = [
        {
            "id": uuid4().hex if portal.database.is_sqlite else uuid4(),
            "customer": customer_id.hex if portal.database.is_sqlite else customer_id,
            "number": f"RE-{number}",
            "kind": kinds[number % 4],
            "module": "call_records" if number % 4 == 2 else "invoices",
            "issued_on": date(2018, 1, 1) + timedelta(days=number),
            "payment_state": ("open", "paid")[number % 2],
            "account": str(number % 10),
            "opened": number % 3 > 0,
        }
        for number in range(count)
    ]
    for row in rows if portal.database.is_sqlite else ():
        row["issued_on"] = str(row["issued_on"])
    insert = text(
        "INSERT INTO documents (id, customer_id, source, family, number, kind, module, issued_on, payment_state, "
        "billing_account, content_sha256, search_text, notify, filed_at, first_opened_at) VALUES (:id, :customer, 'x', "
        "'invoice', :number, :kind, :module, :issued_on, :payment_state, :account, '', ' ', true, CURRENT_TIMESTAMP, "
        "CASE WHEN :opened THEN CURRENT_TIMESTAMP END)"
    )
    async with portal.database.transaction() as session:
        await session.execute(insert, rows)
