"""From the news to the mail server: collected, leased, tried again; nothing lost, whatever stops in between."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiosmtpd.controller import Controller

from chassis.db import utc_now
from chassis.testing import free_port
from services.users.main import collector_of, postman_of
from services.users.models import Collection, Customer, Membership, Notice, User
from services.users.people import emit_user
from tests.mailbox import Mailbox, text_of
from tests.users.mailing import Office

MakeOffice = Callable[..., Awaitable[Office]]


async def test_a_backfill_of_five_hundred_invoices_is_one_mail_for_each_reader(office: Office) -> None:
    await office.person("anna@kunde.example")
    await office.person("bert@kunde.example")
    await office.hear(*(office.invoice(f"RE-{n:04}") for n in range(500)))

    mails = await office.mails()

    assert sorted(mail["To"] for mail in mails) == ["anna@kunde.example", "bert@kunde.example"]
    assert mails[0]["Subject"] == "Nordwelle: 500 neue Rechnungen"
    text = text_of(mails[0])
    assert [f"RE-{n:04}" for n in range(20) if f"RE-{n:04}" not in text] == []
    assert "RE-0020" not in text
    assert "und 480 weitere." in text
    assert await office.count(Notice) == await office.count(Collection) == 0


async def test_history_is_told_to_nobody(office: Office) -> None:
    await office.person()
    await office.hear(office.invoice(notify=False), office.document(notify=False))

    assert await office.mails() == []


async def test_old_news_of_a_replay_is_told_to_nobody(office: Office) -> None:
    await office.person()
    await office.hear(office.invoice(), at=utc_now() - timedelta(days=3, minutes=1))

    assert await office.count(Notice) == 0
    assert await office.mails() == []


async def test_the_same_event_twice_is_told_once(office: Office) -> None:
    await office.person()
    for _ in range(2):
        await office.hear(office.invoice(), event_id="1")

    assert [mail["Subject"] for mail in await office.mails()] == ["Nordwelle: Neu: Rechnung RE-2026-0815"]


async def test_a_mail_waits_while_more_comes_but_not_for_ever(office: Office) -> None:
    await office.person()
    await office.hear(office.invoice("RE-1"))
    due: list[float] = []
    for n in range(8):
        await office.time_passes(timedelta(minutes=4))
        assert await collector_of(office.app).write_due() == 0 or n == 7
        if n < 7:
            await office.hear(office.invoice(f"RE-{n + 2}"))
            (waiting,) = await office.rows(Collection)
            due.append((waiting.due_at - utc_now()).total_seconds())

    # the clock went on a little between hearing and looking
    assert all(290 < seconds <= 300 for seconds in due[:6])
    assert 110 < due[6] <= 120
    assert (await office.deliver())[0]["Subject"] == "Nordwelle: 8 neue Rechnungen"


async def test_a_collector_that_looked_before_more_came_leaves_it_to_the_later_time(office: Office) -> None:
    await office.person()
    await office.hear(office.invoice())
    (waiting,) = await office.rows(Collection)
    key = (waiting.topic, waiting.customer_id, waiting.side)
    collector = collector_of(office.app)

    assert not await collector._write(key, utc_now())
    assert await office.count(Notice) == 1
    assert await collector._write(key, utc_now() + timedelta(minutes=5))
    assert not await collector._write(key, utc_now() + timedelta(minutes=5))
    assert len(await office.rows()) == 1


async def test_files_are_collected_for_ten_minutes_from_the_first(office: Office) -> None:
    await office.person()
    await office.hear(office.file(name="1.csv"))
    await office.time_passes(timedelta(minutes=9))
    await office.hear(office.file(name="2.csv"))
    assert await collector_of(office.app).write_due() == 0

    await office.time_passes(timedelta(minutes=1))
    await collector_of(office.app).write_due()

    assert [mail["Subject"] for mail in await office.deliver()] == ["Nordwelle: 2 neue Dateien im Austausch"]


async def test_each_topic_and_company_has_its_own_mail(office: Office) -> None:
    first = await office.company()
    second = await office.company("Zweite GmbH", "KD-2")
    await office.person("anna@kunde.example", customer=first)
    await office.person("anna@kunde.example", customer=second)
    await office.hear(office.invoice("RE-1"), office.invoice("RE-2", customer_id=second), office.notice_day())

    mails = await office.mails()

    assert sorted(mail["Subject"] for mail in mails) == [
        "Nordwelle: Kündigungsfrist läuft bald ab: Colocation RZ Berlin (V-1001)",
        "Nordwelle: Neu: Rechnung RE-1",
        "Nordwelle: Neu: Rechnung RE-2",
    ]
    of_the_second = next(text_of(mail) for mail in mails if "RE-2" in mail["Subject"])
    assert "Zweite GmbH" in of_the_second
    assert "Beispiel AG" not in of_the_second


async def test_three_collectors_and_three_postmen_send_each_mail_once(office: Office) -> None:
    for n in range(5):
        await office.person(f"person{n}@kunde.example", customer=await office.company(f"Firma {n}", f"KD-{n}"))
        await office.hear(office.invoice(customer_id=(await office.rows(Customer))[-1].id))
    await office.time_passes(timedelta(minutes=30))

    await asyncio.gather(*(collector_of(office.app).write_due() for _ in range(3)))
    await asyncio.gather(*(office.deliver() for _ in range(3)))

    assert len(office.mailbox.mails) == len({mail["Message-ID"] for mail in office.mailbox.mails}) == 5


async def test_news_that_comes_while_its_mail_is_written_is_told_by_the_next(office: Office) -> None:
    await office.person()
    await office.hear(office.invoice("RE-0"))
    await office.time_passes(timedelta(minutes=30))

    await asyncio.gather(
        collector_of(office.app).write_due(), *(office.hear(office.invoice(f"RE-{n}")) for n in range(1, 20))
    )
    await office.mails()

    lines = [line for mail in office.mailbox.mails for line in text_of(mail).splitlines()]
    assert [n for n in range(20) if lines.count(f"- Rechnung RE-{n}") != 1] == []


async def test_one_collection_that_cannot_be_written_does_not_hold_up_the_others_and_is_kept(office: Office) -> None:
    await office.person()
    await office.hear(office.invoice())
    (broken,) = await office.rows(Notice)
    await office.change(Notice, broken.id, words=[])
    await office.hear(office.notice_day())

    (mail,) = await office.mails()

    assert "Colocation" in mail["Subject"]
    await office.change(Notice, broken.id, words=broken.words)
    assert len(await office.mails()) == 2


async def test_a_server_that_is_away_delays_and_every_try_is_the_same_message(make_office: MakeOffice) -> None:
    box = Mailbox(free_port())
    office = await make_office(smtp_port=box.port)
    await office.person()
    await office.hear(office.invoice())
    assert await office.mails() == []
    (waiting,) = await office.rows()
    assert (waiting.state, waiting.attempts, waiting.error is not None) == ("queued", 1, True)

    await office.time_passes(timedelta(seconds=31))
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    await asyncio.to_thread(controller.start)
    try:
        await office.deliver()
    finally:
        await asyncio.to_thread(controller.stop)

    assert [(mail["To"], mail["Message-ID"]) for mail in box.mails] == [
        ("anna@kunde.example", f"<{waiting.id.hex}@nordwelle.example>")
    ]


async def test_a_refusal_is_kept_with_the_servers_words(office: Office) -> None:
    office.mailbox.answers = ["550 5.1.1 no such mailbox here"]
    await office.person()
    await office.hear(office.invoice())
    await office.mails()

    (mail,) = await office.rows()
    assert (mail.state, mail.error) == ("refused", "550 5.1.1 no such mailbox here")
    await office.time_passes(timedelta(days=1))
    assert await office.deliver() == []


async def test_a_mail_nobody_takes_for_three_days_is_dead(office: Office) -> None:
    office.mailbox.answers = ["451 4.3.0 later please"] * 9
    await office.person()
    await office.hear(office.invoice())
    await office.collect()
    for _ in range(4):
        await office.deliver()
        await office.time_passes(timedelta(days=1))

    assert [(mail.state, mail.error) for mail in await office.rows()] == [("dead", "451 4.3.0 later please")]


async def test_a_process_that_dies_with_a_mail_in_hand_gives_it_back_after_the_lease(office: Office) -> None:
    await office.person()
    await office.hear(office.invoice())
    await office.collect()
    (waiting,) = await office.rows()
    assert await _taken_and_dropped(office, waiting.id)

    assert await office.deliver() == []
    await office.time_passes(timedelta(minutes=2))

    assert [mail["To"] for mail in await office.deliver()] == ["anna@kunde.example"]


async def _taken_and_dropped(office: Office, mail_id: object) -> bool:
    """As far as a postman comes who is killed before he has spoken to the server."""

    return await postman_of(office.app)._take(mail_id, utc_now())  # type: ignore[arg-type]


async def test_the_mail_goes_to_the_address_of_now(office: Office) -> None:
    office.mailbox.answers = ["451 4.3.0 later please"]
    membership = await office.person()
    await office.hear(office.invoice())
    await office.mails()
    async with office.database.transaction() as session:
        user = await session.get_one(User, membership.user_id)
        user.email = user.email_key = "anna.neu@kunde.example"
        await emit_user(session, user)

    await office.time_passes(timedelta(seconds=31))

    assert [mail["To"] for mail in await office.deliver()] == ["anna.neu@kunde.example"]


async def test_who_has_left_meanwhile_gets_nothing(office: Office) -> None:
    office.mailbox.answers = ["451 4.3.0 later please"] * 2
    membership = await office.person()
    contact = await office.contact("rechnung@kunde.example", "invoices")
    await office.hear(office.invoice())
    await office.mails()
    await office.change(Membership, membership.id, active=False)
    await office.contact("rechnung@kunde.example", "invoices", contact_id=contact.contact_id, version=2, active=False)

    await office.time_passes(timedelta(minutes=10))

    assert await office.deliver() == []
    assert {row.state for row in await office.rows()} == {"dropped"}
