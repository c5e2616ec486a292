"""What people type wrongly is refused with a pointer, in their language, and nothing is stored."""

from typing import Any
from uuid import UUID

import pytest
from httpx2 import AsyncClient

from services.contacts.models import Contact
from tests.contacts.conftest import Portal, only_contact, patch

GOOD = {"family_name": "Beispiel", "email": "b@kunde.example", "roles": ["technical"]}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"email": None}, "/email"),
    ({"email": "  ", "phone": ""}, "/email"),
    ({"email": "b@kunde"}, "/email"),
    ({"email": "b@kunde.example\r\nBcc: x@y.example"}, "/email"),
    ({"phone": "ruf an"}, "/phone"),
    ({"mobile": "+999 123456789"}, "/mobile"),
    ({"phone": "0" * 65}, "/phone"),
    ({"family_name": ""}, "/family_name"),
    ({"family_name": "x" * 101}, "/family_name"),
    ({"family_name": "a\u202eb"}, "/family_name"),
    ({"given_name": "a\x00b"}, "/given_name"),
    ({"roles": ["chef"]}, "/roles/0"),
    ({"roles": ["noc"]}, "/roles/0"),
    ({"roles": "technical"}, "/roles"),
    ({"roles": None}, "/roles"),
    ({"languages": ["d"]}, "/languages/0"),
    ({"hours": 24}, "/hours"),
    ({"state": "active"}, "/state"),
    ({"confirmed_by": "Chef"}, "/confirmed_by"),
]


@pytest.mark.parametrize(("wrong", "pointer"), WRONG)
async def test_a_wrong_contact_is_refused_with_a_pointer(
    portal: Portal, tom: AsyncClient, wrong: dict[str, Any], pointer: str
) -> None:
    answer = await tom.post("/contacts", json=GOOD | wrong)

    assert answer.status_code == 422, answer.text
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}
    assert await portal.count(Contact) == 0


async def test_a_wrong_edit_changes_nothing(portal: Portal, tom: AsyncClient) -> None:
    await tom.post("/contacts", json=GOOD)
    before = await only_contact(tom)

    answers = [
        await patch(tom, before, family_name="Halb", email=None),
        await patch(tom, before, family_name="Halb", phone="x"),
        await patch(tom, before, family_name="Halb", side="operator"),
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert await only_contact(tom) == before


async def test_reasons_are_in_the_readers_language(portal: Portal, customer_id: UUID) -> None:
    said = []
    for language in ("de", "en"):
        async with portal.as_user(customer_id, lang=language) as reader:
            answer = await reader.post("/contacts", json=GOOD | {"phone": "x"})
            said.append((answer.json()["title"], answer.json()["errors"][0]["detail"]))

    assert said[0][0] == "So wäre niemand zu erreichen."
    assert said[0][1].startswith("Das ist keine Telefonnummer")
    assert said[1][1].startswith("This is no telephone number")


async def test_odd_questions_are_422(tom: AsyncClient) -> None:
    for params in ({"side": "both"}, {"role": "chef"}, {"limit": 0}, {"q": "a\x00"}, {"cursor": "W10"}):
        assert (await tom.get("/contacts", params=params)).status_code == 422, params
    for path in ("/contacts/x", "/contacts/x.vcf", "/contacts/approvals/x"):
        assert (await tom.get(path)).status_code in (404, 405, 422)
