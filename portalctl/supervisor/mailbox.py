"""The built-in mailbox: takes every mail by SMTP, keeps it in a file, shows it at ``/dev/mail``."""

import asyncio
import contextlib
import json
import os
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

from portalctl.supervisor.mailbox_page import POLICY, page

REFUSED_LOCAL_PARTS = ("unbekannt", "unknown")
"""Mail to these is refused, so that one can see what a refused invitation looks like."""

Mail = dict[str, Any]


def read_mail(recipients: list[str], raw: bytes, at: datetime) -> Mail:
    """What the page shows of a mail."""
    message: EmailMessage = message_from_bytes(raw, policy=default)
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    return {
        "to": recipients,
        "from": str(message["from"] or ""),
        "subject": str(message["subject"] or ""),
        "text": text.get_content() if text else "",
        "html": html.get_content() if html else "",
        "at": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }


class Mailbox:
    """All mails, oldest first; on the disk before the sender hears that they were taken."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.items: list[Mail] = []
        if file.exists():
            lines = file.read_text("utf-8").splitlines()
            self.items = [json.loads(line) for line in lines if line.endswith("}")]

    def keep(self, mail: Mail) -> None:
        """Add one."""
        line = json.dumps(mail, ensure_ascii=False) + "\n"
        with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as f:
            f.write(line)
            f.flush()
            os.fsync(f.fileno())
        self.items.append(mail)

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Everybody gets mail here, except those that stand for a wrong address."""
        if address.partition("@")[0].lower() in REFUSED_LOCAL_PARTS:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep it."""
        raw = envelope.original_content or b""
        self.keep(read_mail(list(envelope.rcpt_tos), raw, datetime.now(UTC)))
        return "250 kept"


class MailboxServers:
    """SMTP and the page, both on loopback, in the loop that runs."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._smtp: asyncio.Server | None = None
        self._http: web.AppRunner | None = None

    async def start(self, smtp_port: int, http_port: int) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(
            lambda: SMTP(self._mailbox, hostname="mailbox.localhost", enable_SMTPUTF8=True, loop=loop),
            "127.0.0.1",
            smtp_port,
        )
        app = web.Application()
        app.add_routes([web.get("/dev/mail", self._page), web.get("/dev/mail.json", self._json)])
        self._http = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._http.setup()
        await web.TCPSite(self._http, "127.0.0.1", http_port).start()

    async def stop(self) -> None:
        """Close both."""
        if self._smtp is not None:
            self._smtp.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._smtp.wait_closed(), 0.3)
        if self._http is not None:
            await self._http.cleanup()

    async def _page(self, _request: web.Request) -> web.Response:
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
        return web.Response(text=page(self._mailbox.items), content_type="text/html", headers=headers)

    async def _json(self, _request: web.Request) -> web.Response:
        return web.json_response({"items": self._mailbox.items}, headers={"Cache-Control": "no-store"})
