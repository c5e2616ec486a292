"""The whole process, killed again and again: every reader is told of every invoice, and nothing goes out by guess."""

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from chassis.bus import connected_bus
from chassis.db import utc_now
from chassis.testing import NatsServer, eventually
from events.base import STRUCTURED, encode, uuid7
from services.users.models import Collection, Notice
from tests.mailbox import Mailbox, text_of
from tests.users.mailing import Office

READERS = 8
INVOICES = 20
KILLS = 4


class SlowMailbox(Mailbox):
    """Takes its time, so that a process dies with a mail in hand."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(0.05)
        answer = await super().handle_DATA(server, session, envelope)
        await asyncio.sleep(0.05)
        return answer


@pytest.fixture
def mailbox(mailbox: Mailbox) -> Mailbox:
    mailbox.__class__ = SlowMailbox
    return mailbox


def started(office: Office, database_url: str, nats: NatsServer, log: Path) -> "subprocess.Popen[bytes]":
    """A `users` of its own that collects for a moment only."""
    environment = {
        "USERS_DATABASE_URL": database_url,
        "USERS_NATS_URL": nats.url,
        "USERS_SMTP_PORT": str(office.mailbox.port),
        "USERS_NOTICES_QUIET": "PT0.3S",
        "USERS_NOTICES_LONGEST": "PT1S",
        "USERS_MAIL_POLL_INTERVAL": "PT0.05S",
    }
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "services.users.main"], env=os.environ | environment, stdout=out, stderr=out
        )


@pytest.mark.timeout(300)
async def test_sigkill_at_any_moment_repeats_a_mail_at_worst_and_loses_none(
    make_office: Callable[..., Awaitable[Office]], nats: NatsServer, tmp_path: Path
) -> None:
    office = await make_office()
    for n in range(READERS):
        await office.person(f"person{n}@kunde.example")
    bus = await connected_bus("documents", nats.url)
    await bus.apply()
    database_url = office.app.state.settings.database_url
    box = office.mailbox.mails
    for kill in range(KILLS + 1):
        first, last = kill * INVOICES // (KILLS + 1), (kill + 1) * INVOICES // (KILLS + 1)
        for n in range(first, last):
            event = office.invoice(f"RE-{n:03}")
            payload = encode(
                event, source="/kundenportal/documents", event_id=str(uuid7()), time=utc_now(), traceparent=None
            )
            await bus.publish(event.subject, payload, {"Content-Type": STRUCTURED})
        process = started(office, database_url, nats, tmp_path / "users.log")
        try:
            if kill < KILLS:
                enough = len(box) + kill + 1
                await eventually(lambda enough=enough: asyncio.sleep(0, len(box) >= enough), seconds=40)
            else:
                await eventually(lambda: _all_told(office), seconds=60)
        finally:
            process.kill()
            process.wait()
        await office.time_passes(timedelta(minutes=2))  # the lease of what the dead process held
    await bus.close()

    told: defaultdict[str, Counter[str]] = defaultdict(Counter)
    messages = {mail["Message-ID"]: mail for mail in box}
    for mail in messages.values():
        told[mail["To"]].update(re.findall(r"RE-\d{3}", text_of(mail)))
    everything = Counter({f"RE-{n:03}": 1 for n in range(INVOICES)})
    assert dict(told) == {f"person{n}@kunde.example": everything for n in range(READERS)}
    assert len(box) - len(messages) <= KILLS


async def _all_told(office: Office) -> bool:
    """Nothing waits any more."""
    waiting = [row for row in await office.rows() if row.state == "queued"]
    texts = {number for mail in office.mailbox.mails for number in re.findall(r"RE-\d{3}", text_of(mail))}
    return not waiting and len(texts) == INVOICES and not await office.count(Notice) + await office.count(Collection)
