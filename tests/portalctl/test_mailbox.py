"""The built-in mailbox: a real SMTP conversation, a real page."""

import asyncio
import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from httpx2 import AsyncClient

from portalctl.supervisor.mailbox import Mailbox, MailboxServers
from portalctl.supervisor.mailbox_page import page, with_links
from portalctl.supervisor.ports import pick


class Running:
    def __init__(self, file: Path) -> None:
        taken: set[int] = set()
        self.smtp, self.http = pick(None, taken), pick(None, taken)
        self.mailbox = Mailbox(file)
        self.servers = MailboxServers(self.mailbox)

    async def send(self, to: str, *, text: str = "Guten Tag", html: str = "<p>Guten Tag</p>") -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "Portal <portal@nordwelle.example>", to, "Grüße"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        await aiosmtplib.send(message, hostname="127.0.0.1", port=self.smtp)

    async def get(self, path: str) -> str:
        async with AsyncClient(base_url=f"http://127.0.0.1:{self.http}") as client:
            answer = await client.get(path)
            assert answer.status_code == 200
            return answer.text


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    one = Running(tmp_path / "mails.jsonl")
    await one.servers.start(one.smtp, one.http)
    yield one
    await one.servers.stop()


async def test_a_mail_is_shown_with_all_its_parts(running: Running) -> None:
    await running.send("anna@beispiel-logistik.example", text="Ihr Zugang: ü")

    (mail,) = json.loads(await running.get("/dev/mail.json"))["items"]
    assert set(mail) == {"to", "from", "subject", "text", "html", "at"}
    assert mail["to"] == ["anna@beispiel-logistik.example"]
    assert mail["from"] == "Portal <portal@nordwelle.example>"
    assert mail["subject"] == "Grüße"
    assert mail["text"].strip() == "Ihr Zugang: ü"
    assert "<p>Guten Tag</p>" in mail["html"]
    assert mail["at"].endswith("Z")


async def test_the_newest_mail_is_last_and_all_survive_a_restart(running: Running, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        await running.send(f"{name}@kunde.example")

    again = Mailbox(tmp_path / "mails.jsonl")
    assert [mail["to"][0] for mail in again.items] == ["a@kunde.example", "b@kunde.example", "c@kunde.example"]
    assert again.items == running.mailbox.items
    assert (tmp_path / "mails.jsonl").stat().st_mode & 0o777 == 0o600


async def test_a_line_torn_by_a_crash_is_left_out(running: Running, tmp_path: Path) -> None:
    await running.send("a@kunde.example")
    with (tmp_path / "mails.jsonl").open("a") as file:
        file.write('{"to": ["b@kun')

    assert len(Mailbox(tmp_path / "mails.jsonl").items) == 1


async def test_a_wrong_address_is_refused_for_good(running: Running) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await running.send("unbekannt@kunde.example")

    assert refused.value.recipients[0].code == 550
    assert running.mailbox.items == []


async def test_many_senders_at_once_lose_nothing(running: Running) -> None:
    await asyncio.gather(*(running.send(f"n{number}@kunde.example") for number in range(20)))

    assert {mail["to"][0] for mail in running.mailbox.items} == {f"n{number}@kunde.example" for number in range(20)}


async def test_the_page_escapes_what_mails_bring(running: Running) -> None:
    evil = '"><script>alert(1)</script>'
    await running.send("a@kunde.example", text=f"{evil} http://localhost:1/invitation#AbC_-d.", html=evil)

    shown = await running.get("/dev/mail")
    assert "<script" not in shown
    assert 'href="http://localhost:1/invitation#AbC_-d"' in shown
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "srcdoc=" in shown


def test_links_in_text_can_be_clicked_and_nothing_else_is_a_link() -> None:
    assert with_links("siehe (https://a.example/x?a=1&b=2#c).") == (
        'siehe (<a href="https://a.example/x?a=1&amp;b=2#c" target="_blank" rel="noopener">'
        "https://a.example/x?a=1&amp;b=2#c</a>)."
    )
    assert with_links("javascript:alert(1) <b>") == "javascript:alert(1) &lt;b&gt;"


def test_an_empty_mailbox_says_so_in_both_languages() -> None:
    assert "Noch keine Mail. / No mail yet." in page([])
