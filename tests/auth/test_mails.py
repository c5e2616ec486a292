"""What the mails say, and what becomes of them when the mail server refuses, is away, or the link ends meanwhile."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import update

from chassis.brand import load_brand
from chassis.db import utc_now
from chassis.testing import free_port
from events.auth import InvitationFailed, InvitationSent
from services.auth.models import Link, MailRow
from tests.auth.conftest import Auth, Mailbox, a_user, an_invitation, secret_of, text_of


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("kind", ["plain", "html"])
async def test_the_welcome_mail_has_everything_one_needs(auth: Auth, language: str, kind: str) -> None:
    person, secret = await auth.invited(language=language)
    brand = load_brand(auth.settings.brand_file)
    mail = auth.mailbox.mails[-1]
    text = text_of(mail, kind)

    assert mail["To"] == person.email
    assert mail["From"] == brand.sender
    assert mail["Auto-Submitted"] == "auto-generated"
    wanted = [
        "Petra Wellmann",
        "Anna Beispiel",
        "Beispiel AG",
        brand.portal_name,
        person.email,
        f"http://localhost:8080/invitation#{secret}",
        brand.support.email,
        brand.support.phone,
        brand.name,
        brand.legal.imprint,
        brand.legal.privacy,
        "Authenticator",
        *(link for app in brand.authenticator for link in (app.ios, app.android) if link),
        *(app.name for app in brand.authenticator),
    ]
    if language == "en":
        wanted[wanted.index("Authenticator")] = "authenticator app"
    assert [part for part in wanted if part not in text] == []
    (link,) = await auth.rows(Link)
    until = link.expires_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert (until.strftime("%d.%m.%Y, %H:%M Uhr") if language == "de" else until.strftime("%Y, %H:%M (")) in text


@pytest.mark.parametrize("language", ["de", "en"])
async def test_no_template_is_left_with_holes_or_markup(auth: Auth, language: str) -> None:
    await auth.invited(language=language)
    text = text_of(auth.mailbox.mails[-1])

    assert "{" not in text
    assert "<" not in text.replace("<https", "")
    assert "\n\n\n" not in text
    assert max(len(line) for line in text.splitlines()) < 140


async def test_names_cannot_break_out_of_the_page(auth: Auth) -> None:
    person = await auth.person(given_name="<script>alert(1)</script>")
    await auth.handle(an_invitation(person, customer_name='A & "B" <b>'))
    await auth.deliver()

    html = text_of(auth.mailbox.mails[-1], "html")

    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "A &amp; &#34;B&#34; &lt;b&gt;" in html


async def test_a_line_break_in_a_name_makes_no_header(auth: Auth) -> None:
    person = await auth.person(given_name="Anna\r\nBcc: alle@kunde.example\r\n")
    await auth.handle(an_invitation(person, invited_by="Petra\r\nBcc: alle@kunde.example"))
    await auth.deliver()

    assert auth.mailbox.mails[-1]["Bcc"] is None


async def test_the_time_is_that_of_the_portals_zone(make_auth_with: object) -> None:
    auth: Auth = await make_auth_with(mail_time_zone="UTC")  # type: ignore[operator]
    await auth.invited()

    assert "Uhr (UTC)" in text_of(auth.mailbox.mails[-1])


async def test_a_sent_mail_keeps_no_secret(auth: Auth) -> None:
    person, _ = await auth.invited()

    (mail,) = await auth.rows(MailRow)
    assert (mail.state, mail.secret, mail.attempts) == ("sent", None, 1)
    told = await auth.events(InvitationSent)
    assert [(event.user_id, event.membership_id) for event in told] == [(person.user_id, person.membership_id)]


async def test_a_refusal_is_told_with_the_servers_words(auth: Auth) -> None:
    auth.mailbox.answers = ["550 5.1.1 no such mailbox here"]
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.deliver()

    failed = await auth.events(InvitationFailed)
    assert [(event.user_id, event.membership_id) for event in failed] == [(person.user_id, person.membership_id)]
    assert failed[0].reason == "550 5.1.1 no such mailbox here"
    assert await auth.events(InvitationSent) == []
    await auth.time_passes(timedelta(days=1))
    await auth.deliver()
    assert auth.mailbox.mails == []
    assert await auth.count(MailRow, MailRow.state == "refused", MailRow.secret.is_(None)) == 1


async def test_a_mail_that_is_put_off_comes_later_with_the_same_link(auth: Auth) -> None:
    auth.mailbox.answers = ["451 4.3.0 later please", "421 4.3.0 later please"]
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.deliver()
    assert await auth.count(MailRow, MailRow.state == "queued", MailRow.secret.is_not(None)) == 1
    await auth.deliver()
    assert auth.mailbox.answers != []

    await auth.time_passes(timedelta(seconds=31))
    await auth.deliver()
    await auth.time_passes(timedelta(seconds=61))
    await auth.deliver()

    assert len(auth.mailbox.mails) == 1
    check = await auth.client().post("/auth/invitations/check", json={"token": secret_of(auth.mailbox.mails[0])})
    assert check.status_code == 200
    assert await auth.events(InvitationFailed) == []


async def test_a_server_that_is_away_delays_and_every_try_is_the_same_message(make_auth_with: object) -> None:
    box = Mailbox(free_port())
    auth: Auth = await make_auth_with(smtp_port=box.port)  # type: ignore[operator]
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.deliver()
    (waiting,) = await auth.rows(MailRow)
    assert (waiting.state, waiting.error is not None) == ("queued", True)

    await auth.time_passes(timedelta(seconds=31))
    controller = Controller(box, hostname="127.0.0.1", port=box.port)
    await asyncio.to_thread(controller.start)
    try:
        await auth.deliver()
    finally:
        await asyncio.to_thread(controller.stop)

    assert [mail["To"] for mail in box.mails] == [person.email]
    assert box.mails[0]["Message-ID"] == f"<{waiting.id.hex}@nordwelle.example>"
    assert len(await auth.events(InvitationSent)) == 1


async def test_a_mail_under_way_when_the_service_stops_is_due_at_once_for_the_next(make_auth_with: object) -> None:
    reached = asyncio.Event()

    async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    auth: Auth = await make_auth_with(smtp_port=server.sockets[0].getsockname()[1])  # type: ignore[operator]
    await auth.handle(an_invitation(await auth.person()))
    delivering = asyncio.create_task(auth.deliver())
    await asyncio.wait_for(reached.wait(), 10)

    delivering.cancel()
    await asyncio.gather(delivering, return_exceptions=True)
    server.close()
    await server.wait_closed()

    (waiting,) = await auth.rows(MailRow)
    assert (waiting.state, waiting.next_try_at <= utc_now()) == ("queued", True)
    assert delivering.cancelled()


async def test_a_mail_nobody_takes_for_three_days_is_dead_and_told(auth: Auth) -> None:
    auth.mailbox.answers = ["451 4.3.0 later please"] * 9
    person = await auth.person()
    await auth.handle(an_invitation(person))
    for _ in range(4):
        await auth.deliver()
        await auth.time_passes(timedelta(days=1))
    await auth.deliver()

    assert [event.reason for event in await auth.events(InvitationFailed)] == ["451 4.3.0 later please"]
    assert await auth.count(MailRow, MailRow.state == "dead", MailRow.secret.is_(None)) == 1


async def test_a_mail_whose_link_was_replaced_is_not_sent(auth: Auth) -> None:
    auth.mailbox.answers = ["451 4.3.0 later please"]
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.deliver()

    await auth.handle(an_invitation(person))
    await auth.time_passes(timedelta(seconds=31))
    await auth.deliver()

    assert len(auth.mailbox.mails) == 1
    assert await auth.events(InvitationFailed) == []
    assert await auth.count(MailRow, MailRow.state == "dropped") == 1
    check = await auth.client().post("/auth/invitations/check", json={"token": secret_of(auth.mailbox.mails[0])})
    assert check.status_code == 200


async def test_one_mail_that_cannot_be_written_does_not_hold_up_the_others(auth: Auth) -> None:
    broken = await auth.person("kaputt@kunde.example")
    await auth.handle(an_invitation(broken))
    async with auth.database.transaction() as session:
        await session.execute(update(MailRow).values(words={}))
    fine = await auth.person("heil@kunde.example")
    await auth.handle(an_invitation(fine))

    await auth.deliver()

    assert [mail["To"] for mail in auth.mailbox.mails] == ["heil@kunde.example"]


async def test_two_postmen_send_each_mail_once(auth: Auth) -> None:
    for n in range(5):
        person = await auth.person(f"person{n}@kunde.example")
        await auth.handle(an_invitation(person))

    await asyncio.gather(auth.deliver(), auth.deliver(), auth.deliver())

    assert sorted(mail["To"] for mail in auth.mailbox.mails) == [f"person{n}@kunde.example" for n in range(5)]


async def test_the_mail_goes_to_the_address_of_now(auth: Auth) -> None:
    person = await auth.person()
    await auth.handle(an_invitation(person))
    await auth.handle(a_user(person, version=2, email="anna.neu@kunde.example"))

    await auth.deliver()

    assert [mail["To"] for mail in auth.mailbox.mails] == ["anna.neu@kunde.example"]
