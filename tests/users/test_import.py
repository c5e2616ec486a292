"""Many people from one file: as spreadsheets write it, line by line, twice without harm; and which domains count."""

from typing import Any

import pytest
from fastapi import FastAPI

from chassis.testing import calling
from services.users.csv_file import MOST_LINES, TooManyLines, UnreadableFile
from services.users.roster import read
from tests.users.company import a_customer, a_row, a_user, admin_of, emitted, operator

HEAD = "email;given_name;family_name;role;modules;language;expires_on"


def a_file(*lines: str, head: str = HEAD) -> bytes:
    return "\r\n".join((head, *lines, "")).encode()


async def sent(app: FastAPI, customer: str, content: bytes, *, dry_run: bool = False, **claims: Any) -> Any:
    async with calling(app, admin_of(customer, **claims)) as client:
        return await client.post(
            "/users/import", content=content, params={"dry_run": dry_run}, headers={"Content-Type": "text/csv"}
        )


@pytest.mark.parametrize(
    "content",
    [
        "email;given_name;family_name\nzoe@firma.example;Zoë;Müller\n".encode(),
        "\ufeffE-Mail;Vorname;Nachname\r\nzoe@firma.example;Zoë;Müller".encode(),
        "E-Mail;Vorname;Nachname\r\nzoe@firma.example;Zoë;Müller\r\n".encode("cp1252"),
        "email,given_name,family_name\nzoe@firma.example,Zoë,Müller\n".encode(),
        'email\tfamily_name\tgiven_name\n"zoe@firma.example"\t"Müller"\t" Zoë "\n'.encode(),
        "\n\nemail;given_name;family_name;Bemerkung\n;;;\nzoe@firma.example;Zoë;Müller;egal\n".encode(),
    ],
)
def test_files_are_read_as_spreadsheets_write_them(content: bytes) -> None:
    (entry,) = read(content)

    assert (entry.email, entry.name) == ("zoe@firma.example", "Zoë Müller")
    assert entry.fields["role"] == "member"


@pytest.mark.parametrize(
    "content",
    [b"", b"\n\n", b"name;mail\n", b"PK\x03\x04\x00", b"\x81\x8d", b'email;given_name;family_name\n"offen;x;y\n'],
)
def test_what_is_no_such_file_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile):
        read(content)


def test_a_file_has_its_limit() -> None:
    lines = [f"p{n}@firma.example;P;Q" for n in range(MOST_LINES)]
    assert len(read(a_file(*lines))) == MOST_LINES
    with pytest.raises(TooManyLines):
        read(a_file(*lines, "zu@viel.example;P;Q"))


async def test_fifty_thousand_lines_are_refused_in_words_and_nobody_is_made(app: FastAPI) -> None:
    customer = await a_customer(app)

    answer = await sent(app, customer, a_file(*(f"p{n}@firma.example;P;Q" for n in range(50_000))))

    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_lines")
    assert str(MOST_LINES) in answer.json()["title"].replace(".", "")
    async with calling(app, admin_of(customer)) as client:
        assert len((await client.get("/users")).json()["items"]) == 0


async def test_a_preview_makes_nothing_and_says_what_would_be_made(app: FastAPI) -> None:
    customer = await a_customer(app)
    await a_row(app, customer, "da@firma.example")
    content = a_file(
        "neu@firma.example;Nora;Neu;Mitglied;invoices,contracts;en;2099-12-31",
        "DA@firma.example;Dora;Da;admin;;;",
        "NEU@firma.example;Nora;Neu;;;;",
        "kein-at;Otto;Ohne;chef;kegeln;fr;morgen",
        ";;;;;;",
    )
    seen = await sent(app, customer, content, dry_run=True)
    async with calling(app, admin_of(customer)) as client:
        before = (await client.get("/users")).json()["items"]
    made = await sent(app, customer, content)
    again = await sent(app, customer, content)
    async with calling(app, admin_of(customer)) as client:
        after = (await client.get("/users")).json()["items"]

    report = seen.json()
    assert (seen.status_code, report["dry_run"], len(before)) == (200, True, 1)
    assert [(line["line"], line["result"]) for line in report["lines"]] == [
        (2, "created"),
        (3, "unchanged"),
        (4, "refused"),
        (5, "refused"),
    ]
    assert report["lines"][2]["errors"] == [{"pointer": "/email", "detail": "Diese Adresse steht schon weiter oben."}]
    wrong = {error["pointer"] for error in report["lines"][3]["errors"]}
    assert wrong == {"/email", "/role", "/modules", "/language", "/expires_on"}
    assert (report["created"], report["unchanged"], report["refused"]) == (1, 1, 2)
    assert made.json() | {"dry_run": True} == report
    assert (again.json()["created"], again.json()["unchanged"]) == (0, 2)
    (nora,) = [row for row in after if row["email"] == "neu@firma.example"]
    assert (nora["modules"], nora["language"], nora["expires_on"]) == (["contracts", "invoices"], "en", "2099-12-31")
    assert (nora["state"], nora["invitation"]["state"]) == ("created", "none")
    assert await emitted(app, "users.user.invited.v1") == []


async def test_a_formula_is_a_name_and_comes_back_as_one(app: FastAPI) -> None:
    customer = await a_customer(app)
    await sent(app, customer, a_file("a@firma.example;=1+1;'+49;;;;"))
    async with calling(app, admin_of(customer)) as client:
        (row,) = (await client.get("/users")).json()["items"]

    assert (row["given_name"], row["family_name"]) == ("=1+1", "+49")


async def test_who_may_import(app: FastAPI) -> None:
    customer = await a_customer(app)
    content = a_file("a@firma.example;A;B;;;;")

    assert (await sent(app, customer, content, step_up_at=None)).json()["code"] == "step_up_required"
    assert (await sent(app, customer, content, role="member")).status_code == 403
    assert (await sent(app, customer, b"")).json()["code"] == "unreadable_file"


async def test_a_company_with_domains_takes_no_other_addresses(app: FastAPI) -> None:
    customer = await a_customer(app, email_domains=["firma.example", "firma.test.example"])
    async with calling(app, admin_of(customer)) as client:
        rules = await client.get("/users/rules")
        refused = await client.post("/users", json=a_user("a@andere.example"))
        taken = await client.post("/users", json=a_user("a@FIRMA.example"))
        wrong = await client.patch(
            f"/users/{taken.json()['id']}", json={"email": "a@sub.firma.example"}, headers={"If-Match": '"1"'}
        )
    imported = await sent(app, customer, a_file("b@andere.example;B;C;;;;", "c@firma.test.example;C;D;;;;"))

    assert rules.json() == {"email_domains": ["firma.example", "firma.test.example"]}
    assert (refused.status_code, refused.json()["code"]) == (422, "domain_not_allowed")
    assert refused.json()["errors"][0]["pointer"] == "/email"
    assert (taken.status_code, wrong.status_code) == (201, 422)
    assert [line["result"] for line in imported.json()["lines"]] == ["refused", "created"]


async def test_a_review_has_a_name_and_a_date_and_stands_in_the_log(app: FastAPI) -> None:
    customer, other = await a_customer(app), await a_customer(app, "KD-2")
    await a_row(app, customer, "b@firma.example", modules=["graphs"])
    await a_row(app, customer, "a@firma.example", role="admin", modules=[])
    gone = await a_row(app, customer, "c@firma.example")
    async with calling(app, admin_of(customer, name="Anna Beispiel")) as client:
        await client.patch(f"/users/{gone['id']}", json={"active": False}, headers={"If-Match": '"1"'})
        before = (await client.get("/users/access-matrix")).json()
        noted = await client.post("/users/review")
        after = (await client.get("/users/access-matrix")).json()
    async with calling(app, admin_of(other)) as client:
        foreign = (await client.get("/users/access-matrix")).json()

    assert [(one["email"], one["modules"]) for one in before["people"]] == [
        ("a@firma.example", before["modules"]),
        ("b@firma.example", ["graphs"]),
    ]
    assert (before["last_review"], before["review_due"]) == (None, True)
    assert (noted.status_code, noted.json()["reviewed_by"]) == (201, "Anna Beispiel")
    assert (after["last_review"], after["review_due"]) == (noted.json(), False)
    assert (foreign["people"], foreign["last_review"]) == ([], None)
    assert (await emitted(app, "users.audit.recorded.v1"))[-1]["what"] == "access_reviewed"


async def test_the_operator_works_on_the_open_customer(app: FastAPI) -> None:
    customer = await a_customer(app)
    async with calling(app, operator(cust=customer)) as client:
        seen = await client.get("/users/access-matrix")
        log = await client.get("/users/audit.csv")
    async with calling(app, operator()) as client:
        nowhere = [await client.get(f"/users/{what}") for what in ("access-matrix", "rules", "audit.csv")]

    assert (seen.status_code, log.status_code) == (200, 200)
    assert log.content.startswith(b"\xef\xbb\xbf")
    assert log.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert [answer.status_code for answer in nowhere] == [409, 409, 409]
    assert {"access_matrix_read", "audit_exported"} <= {
        line["what"] for line in await emitted(app, "users.audit.recorded.v1")
    }
