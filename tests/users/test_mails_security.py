"""A reset of a second factor: who is told, at once, in which words; nobody can switch it off."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.brand import load_brand
from chassis.db import utc_now
from chassis.testing import calling
from events.users import SecondFactorResetRequested
from services.users.models import Choice
from tests.mailbox import text_of
from tests.users.mailing import Office
from tests.users.test_notifications import as_


def a_reset(office: Office, user_id: UUID, **more: Any) -> SecondFactorResetRequested:
    usual: dict[str, Any] = {
        "user_id": user_id,
        "customer_id": office.customer_id,
        "reason": "Telefon verloren",
        "requested_by": "Vera Waltung",
        "actor_id": uuid4(),
        "by_operator": False,
        "occurred_at": utc_now().replace(year=2026, month=11, day=23, hour=7, minute=30),
    }
    return SecondFactorResetRequested(**usual | more)


async def told_at_once(office: Office) -> list[str]:
    return sorted(mail["To"] for mail in await office.deliver())


async def test_the_person_and_all_admins_are_told_at_once_and_nobody_else(office: Office) -> None:
    jan = await office.person("jan@kunde.example", role="member", modules=("graphs",), name="Jan Muster")
    await office.person("vera@kunde.example")
    await office.person("anna@kunde.example")
    await office.person("mit@kunde.example", role="member")
    await office.person("neu@kunde.example", entered=False)
    other = await office.company("Zweite GmbH", "KD-2")
    await office.person("fremd@zweite.example", customer=other)
    await office.person("ole@nordwelle.example", customer=None)
    await office.contact("leitung@kunde.example", "management")

    await office.hear(a_reset(office, jan.user_id))

    assert await told_at_once(office) == ["anna@kunde.example", "jan@kunde.example", "vera@kunde.example"]


async def test_a_persons_other_company_hears_nothing(office: Office) -> None:
    first = await office.company()
    second = await office.company("Zweite GmbH", "KD-2")
    jan = await office.person("jan@kunde.example", role="member")
    await office.person("jan@kunde.example", role="member", customer=second)
    await office.person("vera@kunde.example", customer=first)
    await office.person("fremd@zweite.example", customer=second)

    await office.hear(a_reset(office, jan.user_id))

    assert await told_at_once(office) == ["jan@kunde.example", "vera@kunde.example"]
    assert not [mail for mail in office.mailbox.mails if "Zweite" in str(mail)]


async def test_where_the_operator_did_it_the_responsible_contacts_are_told_too(office: Office) -> None:
    vera = await office.person("vera@kunde.example")
    await office.contact("leitung@kunde.example", "management")
    await office.contact("abuse@kunde.example", "abuse", "technical")
    await office.contact("technik@kunde.example", "technical")
    await office.contact("vera@kunde.example", "management")

    await office.hear(a_reset(office, vera.user_id, by_operator=True))

    assert await told_at_once(office) == ["abuse@kunde.example", "leitung@kunde.example", "vera@kunde.example"]
    why = {mail["To"]: text_of(mail).rpartition("-- ")[2] for mail in office.mailbox.mails}
    assert "als Ansprechpartner „Geschäftsleitung“ eingetragen" in why["leitung@kunde.example"]
    assert "als Ansprechpartner „Missbrauch“ eingetragen" in why["abuse@kunde.example"]


async def test_among_the_operators_people_the_administrators_are_told(office: Office) -> None:
    await office.company()
    ole = await office.person("ole@nordwelle.example", customer=None)
    await office.person("agent@nordwelle.example", customer=None)
    await office.person("leitung@nordwelle.example", customer=None, staff_role="administrator")

    await office.hear(a_reset(office, ole.user_id, customer_id=None, by_operator=True))

    assert await told_at_once(office) == ["leitung@nordwelle.example", "ole@nordwelle.example"]


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize(
    ("language", "own", "wanted"),
    [
        (
            "de",
            True,
            (
                "Nordwelle: Ihre Authenticator-App wurde zurückgesetzt",
                "Guten Tag Jan Muster,",
                "Ihre Authenticator-App für das Nordwelle Kundenportal (Beispiel AG) wurde zurückgesetzt.",
                "Telefon verloren",
                "Zurückgesetzt von: Vera Waltung",
                "Zeitpunkt: 23.11.2026, 08:30 Uhr (CET)",
                "Einen Link, mit dem Sie Ihre App neu einrichten, bekommen Sie in einer eigenen E-Mail.",
                "Sie haben das nicht verlangt?",
                "lässt sich nicht abbestellen",
            ),
        ),
        (
            "de",
            False,
            (
                "Nordwelle: Authenticator-App von Jan Muster wurde zurückgesetzt",
                "die Authenticator-App von Jan Muster für das Nordwelle Kundenportal (Beispiel AG) wurde",
                "Telefon verloren",
                "Zurückgesetzt von: Vera Waltung",
                "lässt sich nicht abbestellen",
            ),
        ),
        (
            "en",
            True,
            (
                "Nordwelle: Your authenticator app was reset",
                "Hello Jan Muster,",
                "your authenticator app for Nordwelle Kundenportal (Beispiel AG) was reset.",
                "Telefon verloren",
                "Reset by: Vera Waltung",
                "Time: 23 November 2026, 08:30 (CET)",
                "You get a link to set up your app anew in an e-mail of its own.",
                "You have not asked for this?",
                "cannot be switched off",
            ),
        ),
        (
            "en",
            False,
            (
                "Nordwelle: The authenticator app of Jan Muster was reset",
                "the authenticator app of Jan Muster for Nordwelle Kundenportal (Beispiel AG) was reset.",
                "Telefon verloren",
                "Reset by: Vera Waltung",
                "cannot be switched off",
            ),
        ),
    ],
)
async def test_what_the_mail_says(office: Office, language: str, own: bool, wanted: tuple[str, ...], kind: str) -> None:
    jan = await office.person("jan@kunde.example", role="member", name="Jan Muster", language=language)
    await office.person("vera@kunde.example", language=language)
    await office.hear(a_reset(office, jan.user_id))
    await office.deliver()

    mail = next(mail for mail in office.mailbox.mails if (mail["To"] == "jan@kunde.example") == own)

    subject, *parts = wanted
    assert mail["Subject"] == subject
    brand = load_brand(office.app.state.settings.brand_file)
    parts += [brand.support.phone, brand.legal.imprint, "http://localhost:8080/profile#notifications"]
    text = " ".join(text_of(mail, kind).split())
    assert [part for part in parts if part not in text] == []


async def test_the_text_has_no_gaps(office: Office) -> None:
    jan = await office.person("jan@kunde.example")
    await office.hear(a_reset(office, jan.user_id, by_operator=True))
    (mail,) = await office.deliver()

    text = text_of(mail).replace("\r\n", "\n")

    assert "\n\n\n" not in text
    assert "Zurückgesetzt von: Vera Waltung (Nordwelle Telekom GmbH)\nZeitpunkt:" in text


async def test_a_word_against_it_in_the_table_would_count_nothing(office: Office) -> None:
    jan = await office.person("jan@kunde.example")
    async with office.database.transaction() as session:
        session.add(Choice(user_id=jan.user_id, event="security", channel="mail", wanted=False))
    async with calling(office.app, as_(jan)) as client:
        (shown,) = [
            one for one in (await client.get("/users/me/notifications")).json()["events"] if one["event"] == "security"
        ]

    await office.hear(a_reset(office, jan.user_id))

    assert shown["channels"]["mail"] == {"wanted": True, "fixed": True}
    assert await told_at_once(office) == ["jan@kunde.example"]
