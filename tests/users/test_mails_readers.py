"""Who gets a mail, and who does not."""

from datetime import date

import pytest

from services.users.models import Customer, Membership
from tests.users.mailing import Office


@pytest.mark.parametrize(
    ("modules", "wanted"),
    [
        (("invoices",), ["RE-1", "Preisliste"]),
        (("call_records",), ["Einzelverbindungsnachweis"]),
        (("invoices", "call_records"), ["RE-1", "Einzelverbindungsnachweis", "Preisliste"]),
        (("graphs", "contracts", "contacts", "exchange"), None),
    ],
)
async def test_a_member_reads_only_what_the_modules_allow(
    office: Office, modules: tuple[str, ...], wanted: list[str] | None
) -> None:
    await office.person(role="member", modules=modules)
    await office.hear(office.invoice("RE-1"), office.document("call_records"), office.document("price_list"))

    texts = [str(mail) for mail in await office.mails()]

    assert (wanted is None) == (texts == [])
    for text in texts:
        shown = [what for what in ("RE-1", "Einzelverbindungsnachweis", "Preisliste") if what in text]
        assert shown == wanted


async def test_only_who_has_been_in_hears_anything(office: Office) -> None:
    await office.person("da@kunde.example")
    await office.person("eingetragen@kunde.example", entered=False)
    left = await office.person("weg@kunde.example")
    await office.person("vorbei@kunde.example", expires_on=date(2026, 1, 1))
    await office.change(Membership, left.id, active=False)
    await office.hear(office.invoice())

    assert await office.told() == ["da@kunde.example"]


async def test_who_was_known_elsewhere_hears_of_a_company_only_after_having_been_in_there(office: Office) -> None:
    first = await office.company()
    second = await office.company("Zweite GmbH", "KD-2")
    await office.person("anna@kunde.example", customer=first)
    await office.person("anna@kunde.example", customer=second, entered=False)
    await office.hear(office.invoice(customer_id=second))

    assert await office.told() == []


async def test_nobody_of_another_company_or_of_the_operator_hears_of_invoices(office: Office) -> None:
    await office.company()
    other = await office.company("Zweite GmbH", "KD-2")
    await office.person("anna@kunde.example")
    await office.person("fremd@zweite.example", customer=other)
    await office.person("ole@nordwelle.example", customer=None)
    await office.contact("rechnung@zweite.example", "invoices", customer_id=other)
    await office.hear(office.invoice())

    assert await office.told() == ["anna@kunde.example"]


async def test_an_inactive_company_is_left_alone(office: Office) -> None:
    await office.person()
    await office.change(Customer, office.customer_id, active=False)
    await office.hear(office.invoice())

    assert await office.told() == []


@pytest.mark.parametrize(
    ("role", "told"),
    [
        ("invoices", ["invoice"]),
        ("commercial", ["notice_day"]),
        ("technical", ["commit", "threshold"]),
        ("management", []),
        ("site_access", []),
    ],
)
async def test_a_contact_hears_what_the_role_is_for(office: Office, role: str, told: list[str]) -> None:
    contact = await office.contact("funktion@kunde.example", role)
    for kind in ("invoice", "notice_day", "commit", "threshold"):
        await office.hear(getattr(office, kind)())
        got = await office.mails()
        assert (kind in told) == ([mail["To"] for mail in got] == ["funktion@kunde.example"]), kind
        office.mailbox.mails.clear()
    await office.hear(office.document("call_records"), office.file(), office.review(contact.contact_id))

    assert await office.told() == []


async def test_one_address_gets_one_mail_as_a_user(office: Office) -> None:
    await office.person("anna@kunde.example")
    await office.contact("Anna@Kunde.example", "commercial")
    await office.hear(office.notice_day())

    (mail,) = await office.mails()

    assert mail["To"] == "anna@kunde.example"
    assert "/profile#notifications" in str(mail)


async def test_the_newest_state_of_a_contact_counts_in_any_order(office: Office) -> None:
    newest = await office.contact("neu@kunde.example", "commercial", version=3)
    await office.contact("alt@kunde.example", "commercial", contact_id=newest.contact_id, version=2)
    await office.hear(office.notice_day())

    assert await office.told() == ["neu@kunde.example"]


async def test_a_contact_that_is_removed_or_has_no_address_hears_nothing(office: Office) -> None:
    first = await office.contact("weg@kunde.example", "commercial")
    await office.contact("weg@kunde.example", "commercial", contact_id=first.contact_id, version=2, active=False)
    await office.contact(None, "commercial")
    await office.hear(office.notice_day())

    assert await office.told() == []
    assert await office.rows() == []


async def test_files_are_told_to_the_other_side_only(office: Office) -> None:
    await office.person("anna@kunde.example")
    await office.person("ole@nordwelle.example", customer=None)
    await office.hear(office.file("operator"))
    assert await office.told() == ["anna@kunde.example"]
    office.mailbox.mails.clear()

    await office.hear(office.file("customer"))

    assert await office.told() == ["ole@nordwelle.example"]


async def test_the_operators_account_manager_hears_of_a_customers_files(office: Office) -> None:
    await office.company()
    everybody = {"side": "operator", "customer_id": None}
    await office.contact("vertrieb@nordwelle.example", "account_manager", **everybody)
    await office.contact("noc@nordwelle.example", "noc", **everybody)
    await office.hear(office.file("customer"))
    assert await office.told() == ["vertrieb@nordwelle.example"]
    office.mailbox.mails.clear()

    await office.contact("petra@nordwelle.example", "account_manager", side="operator")
    await office.hear(office.file("customer"))

    assert await office.told() == ["petra@nordwelle.example"]


async def test_a_file_held_back_is_told_to_who_brought_it(office: Office) -> None:
    await office.person("anna@kunde.example")
    await office.person("ole@nordwelle.example", customer=None)
    await office.hear(office.bad_file("customer"))

    assert await office.told() == ["anna@kunde.example"]


async def test_traffic_is_told_to_admins_and_to_members_who_want_it(office: Office) -> None:
    await office.person("verwaltung@kunde.example")
    await office.person("technik@kunde.example", role="member", modules=("graphs",))
    await office.hear(office.commit(), office.threshold())

    assert await office.told() == ["verwaltung@kunde.example"]
