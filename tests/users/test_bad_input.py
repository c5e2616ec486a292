"""What must never be a 5xx: nulls, odd characters, huge numbers, broken cursors; each with its pointer."""

import json
from itertools import product
from typing import Any
from uuid import uuid4

from fastapi import FastAPI
from httpx2 import Response

from chassis.paging import cursor_of
from chassis.testing import calling
from tests.users.company import a_customer, a_row, a_user, admin_of, operator


def pointers(answer: Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {item["pointer"] for item in answer.json()["errors"]}


async def test_wrong_addresses_are_refused(app: FastAPI) -> None:
    customer = await a_customer(app)
    wrong = [
        "",
        " ",
        "nobody",
        "@firma.example",
        "a@",
        "a@firma",
        "a@@firma.example",
        "a b@firma.example",
        "a@firma..example",
        "a@-firma.example",
        "a@firma-.example",
        "a@192.0.2.1",
        ".a@firma.example",
        "a.@firma.example",
        "a..b@firma.example",
        "jürgen@firma.example",
        "a@müller.example",
        "a@firma.example\n",
        "a@firma.example\r\nBcc: x@y.example",
        '"a b"@firma.example',
        "Anna <a@firma.example>",
        "a@firma.example,b@firma.example",
        "a\x00@firma.example",
        "a\u202e@firma.example",
        f"{'x' * 65}@firma.example",
        f"a@{'x' * 64}.example",
        f"a@{'x.' * 130}example",
        "\ud800@firma.example",
        7,
        None,
        ["a@firma.example"],
    ]
    async with calling(app, admin_of(customer)) as client:
        for email in wrong:
            content = _json(a_user("x@firma.example") | {"email": email})
            answer = await client.post("/users", content=content, headers={"Content-Type": "application/json"})
            assert pointers(answer) == {"/email"}, repr(email)
        assert (await client.get("/users")).json()["items"] == []


async def test_good_addresses_are_taken_in_lower_case(app: FastAPI) -> None:
    customer = await a_customer(app)
    good = ["A.B+c@Sub.Firma.example", "o'neil@firma.example", "x@xn--mller-kva.example", f"{'x' * 64}@firma.example"]

    rows = [await a_row(app, customer, email) for email in good]

    assert [row["username"] for row in rows] == [email.lower() for email in good]


BAD_NAMES = ("", "   ", "A\x00", "A\nB", "A\x85B", "A\u2028B", "A\u202eB", "\ud800", "x" * 101, 7, None, {})


async def test_names_are_one_line_of_text(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    headers = {"Content-Type": "application/json", "If-Match": f'"{row["version"]}"'}

    async with calling(app, admin_of(customer)) as client:
        for name in BAD_NAMES:
            new, change = _json(a_user("b@firma.example", given_name=name)), _json({"given_name": name})
            made = await client.post("/users", content=new, headers=headers)
            changed = await client.patch(f"/users/{row['id']}", content=change, headers=headers)
            mine = await client.patch("/users/me", content=change, headers=headers)
            assert [pointers(answer) for answer in (made, changed, mine)] == [{"/given_name"}] * 3, repr(name)


async def test_names_of_all_scripts_are_taken_composed(app: FastAPI) -> None:
    customer = await a_customer(app)

    row = await a_row(
        app, customer, "a@firma.example", given_name=" Zoe\u0308 ", family_name="李 \U0001f600 O’Neil-Ünal"
    )

    assert (row["given_name"], row["family_name"]) == ("Zoë", "李 \U0001f600 O’Neil-Ünal")


async def test_null_is_no_value(app: FastAPI) -> None:
    customer = await a_customer(app)
    row = await a_row(app, customer, "a@firma.example")
    fields = {
        f"/users/{row['id']}": "email given_name family_name language role modules active",
        "/users/me": "given_name family_name language",
        f"/customers/{customer}": "name language time_zone email_domains colocation end_user active",
    }

    async with calling(app, operator(cust=customer)) as client:
        for path, names in fields.items():
            for name in names.split():
                answer = await client.patch(path, json={name: None}, headers={"If-Match": '"1"'})
                assert pointers(answer) == {f"/{name}"}, path


BAD_CUSTOMERS = (
    ({"number": ""}, "/number"),
    ({"number": "K\x00"}, "/number"),
    ({"number": "x" * 65}, "/number"),
    ({"number": 10042}, "/number"),
    ({"name": ""}, "/name"),
    ({"name": "x" * 201}, "/name"),
    ({"name": "A\u2029B"}, "/name"),
    ({"language": "fr"}, "/language"),
    ({"time_zone": "Europe/Atlantis"}, "/time_zone"),
    ({"time_zone": "../../etc/passwd"}, "/time_zone"),
    ({"email_domains": ["nodot"]}, "/email_domains/0"),
    ({"email_domains": ["a.example"] * 51}, "/email_domains"),
    ({"email_domains": "a.example"}, "/email_domains"),
    ({"colocation": "yes"}, "/colocation"),
    ({"end_user": 1}, "/end_user"),
    ({"feed_version": 7}, "/feed_version"),
)


async def test_bad_customers_have_a_pointer(app: FastAPI) -> None:
    customer = await a_customer(app)

    async with calling(app, operator()) as client:
        for wrong, pointer in BAD_CUSTOMERS:
            made = await client.post("/customers", json={"number": "KD-2", "name": "Zwei"} | wrong)
            assert pointers(made) == {pointer}, wrong
            changed = await client.patch(f"/customers/{customer}", json=wrong, headers={"If-Match": '"1"'})
            assert pointers(changed) == {pointer}, wrong
        assert len((await client.get("/customers")).json()["items"]) == 1


async def test_an_end_date_is_a_date(app: FastAPI) -> None:
    customer = await a_customer(app)
    wrong = (0, 1.5, True, "0", "2026-02-30", "2026-11-02T00:00:00", "02.11.2026", "10000-01-01", "9999-12-31", [])

    async with calling(app, admin_of(customer)) as client:
        for day in wrong:
            answer = await client.post("/users", json=a_user("a@firma.example", expires_on=day))
            assert pointers(answer) == {"/expires_on"}, day


async def test_what_is_no_object_is_refused(app: FastAPI) -> None:
    customer = await a_customer(app)
    bodies = (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b"[" * 5000)
    headers = {"Content-Type": "application/json", "If-Match": '"1"'}
    row = await a_row(app, customer, "a@firma.example")

    doors = (
        ("POST", "/users"),
        ("POST", "/customers"),
        ("PATCH", f"/users/{row['id']}"),
        ("PATCH", f"/customers/{customer}"),
        ("PATCH", "/users/me"),
    )

    async with calling(app, operator(cust=customer)) as client:
        for (method, path), body in product(doors, bodies):
            answer = await client.request(method, path, content=body, headers=headers)
            assert answer.status_code in (400, 422), (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


CURSORS = [
    "nonsense",
    "%00",
    cursor_of(),
    cursor_of(None),
    cursor_of("2026-11-02T00:00:00", str(uuid4())),
    cursor_of("2026-11-02", str(uuid4())),
    cursor_of("x\x00", str(uuid4())),
    cursor_of("x", "no uuid"),
    cursor_of("\ud800", str(uuid4())),
    cursor_of(10**30),
    cursor_of(-(10**30)),
    cursor_of(1e400),
    cursor_of({"a": 1}),
]


async def test_made_up_cursors_are_refused_or_find_something(app: FastAPI) -> None:
    customer = await a_customer(app)

    async with calling(app, operator(cust=customer)) as client:
        for path, cursor in product(("/users", "/users/audit", "/customers"), CURSORS):
            answer = await client.get(path, params={"cursor": cursor})
            assert answer.status_code in (200, 422), (cursor, answer.text)


async def test_odd_searches_and_ids_are_refused(app: FastAPI) -> None:
    async with calling(app, operator(cust=await a_customer(app))) as client:
        assert (await client.get("/customers", params={"q": "\x00"})).status_code == 422
        assert (await client.get("/customers", params={"q": "x" * 101})).status_code == 422
        assert (await client.get("/customers", params={"q": "%_\\"})).json()["items"] == []
        for path in ("/users/x", "/users/0", "/customers/x", "/customers/%00"):
            assert (await client.get(path)).status_code == 422, path
        for query in ({"limit": 0}, {"limit": 201}, {"limit": "x"}):
            assert (await client.get("/users", params=query)).status_code == 422
        assert (await client.get("/users/audit", params={"customer_id": "x"})).status_code == 422


def _json(body: Any) -> bytes:
    """ASCII only, so that lone surrogates reach the service as escapes, as a program may send them."""
    return json.dumps(body).encode()
