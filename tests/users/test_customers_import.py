"""Companies with their first administrators from one file."""

from typing import Any

from fastapi import FastAPI
from sqlalchemy import func, select

from chassis.testing import calling
from services.users.models import Customer, WaitingInvitation
from tests.users.company import a_customer, a_row, admin_of, emitted, operator

HEAD = "Kundennummer;Firma;language;email_domains;colocation;end_user;admin_email;admin_given_name;admin_family_name"
FILE = "\r\n".join(
    (
        HEAD,
        "KD-1;Müller & Söhne;de;mueller.example,soehne.example;ja;nein;anna@mueller.example;Änne;Müller",
        "KD-2;Zwei Ltd;en;;;;;;",
        "KD-1;Doppelt;de;;;;;;",
        "KD-3;Fremd;de;fremd.example;;;wer@anderswo.example;Wer;Anders",
        ";Ohne Nummer;fr;kein domain!;vielleicht;;kein-at;;Y",
        "KD-DA;Heißt anders;de;;;;neu@da.example;Nele;Neu",
        "",
    )
)


async def sent(app: FastAPI, content: bytes, *, dry_run: bool = False, who: Any = None) -> Any:
    async with calling(app, who or operator()) as client:
        return await client.post(
            "/customers/import", content=content, params={"dry_run": dry_run}, headers={"Content-Type": "text/csv"}
        )


async def count(app: FastAPI, table: Any) -> int:
    async with app.state.database.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_a_preview_says_what_the_import_does_and_a_second_one_does_nothing(app: FastAPI) -> None:
    known = await a_customer(app, "KD-DA", name="Da GmbH")
    content = FILE.encode("cp1252")
    seen = (await sent(app, content, dry_run=True)).json()
    assert (await count(app, Customer), await count(app, WaitingInvitation)) == (1, 0)
    made = (await sent(app, content)).json()
    again = (await sent(app, FILE.encode())).json()

    assert made | {"dry_run": True} == seen
    assert [(line["line"], line["result"], line["invited"]) for line in made["lines"]] == [
        (2, "created", True),
        (3, "created", False),
        (4, "refused", False),
        (5, "refused", False),
        (6, "refused", False),
        (7, "created", True),
    ]
    assert [error["pointer"] for error in made["lines"][3]["errors"]] == ["/admin_email"]
    wrong = {error["pointer"] for error in made["lines"][4]["errors"]}
    assert wrong == {"/number", "/language", "/email_domains", "/colocation", "/admin_email", "/admin_given_name"}
    assert (again["created"], again["unchanged"], again["refused"], again["invited"]) == (0, 3, 3, 0)
    assert (await count(app, Customer), await count(app, WaitingInvitation)) == (3, 2)
    async with calling(app, operator()) as client:
        found = {one["number"]: one for one in (await client.get("/customers")).json()["items"]}
    first = found["KD-1"]
    assert (first["name"], first["colocation"], first["end_user"]) == ("Müller & Söhne", True, False)
    assert (first["email_domains"], found["KD-DA"]["name"]) == (["mueller.example", "soehne.example"], "Da GmbH")
    async with calling(app, admin_of(known)) as client:
        (row,) = (await client.get("/users")).json()["items"]
    assert (row["email"], row["role"], row["state"]) == ("neu@da.example", "admin", "created")
    assert await emitted(app, "users.user.invited.v1") == []


async def test_an_administrator_who_is_there_is_not_invited_again(app: FastAPI) -> None:
    known = await a_customer(app, "KD-DA")
    await a_row(app, known, "neu@da.example")

    line = (await sent(app, FILE.encode())).json()["lines"][-1]

    assert (line["result"], line["invited"]) == ("unchanged", False)


async def test_each_is_a_line_in_its_customers_log(app: FastAPI) -> None:
    await sent(app, FILE.encode())

    lines = [line for line in await emitted(app, "users.audit.recorded.v1") if line["what"] != "customers_listed"]
    assert [line["what"] for line in lines] == [
        *("customer_created", "user_created", "user_invited"),
        "customer_created",
        *("customer_created", "user_created", "user_invited"),
    ]
    assert all(line["customer_id"] for line in lines)


async def test_who_may_import(app: FastAPI) -> None:
    customer = await a_customer(app)

    assert (await sent(app, FILE.encode(), who=admin_of(customer))).status_code == 403
    assert (await sent(app, FILE.encode(), who=operator(step_up_at=None))).json()["code"] == "step_up_required"
    assert (await sent(app, b"name;mail\n")).json()["code"] == "unreadable_file"
    many = "number;name\n" + "".join(f"K{n};F{n}\n" for n in range(2001))
    assert (await sent(app, many.encode())).json()["code"] == "too_many_lines"
