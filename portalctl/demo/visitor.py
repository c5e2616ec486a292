"""Somebody of the demo in front of a browser: goes through the same doors as everybody."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from chassis.db import utc_now
from portalctl.console import Failed
from services.auth.totp import code_at, step_of

MAIL_SECONDS = 150.0
"""A mail that was under way when `auth` was killed is tried again after two minutes."""
_LINK = re.compile(r"https?://\S+/invitation#(\S+)")

Credentials = dict[str, str]
"""``password`` and, once there is an app, ``secret`` and ``otpauth_uri``."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the demo goes in.

    Attributes:
        url: The gateway as it is reached from here.
        origin: The address that people type, which pages say they come from.
        mailpit: Its address, where mails go there; empty for the built-in mailbox.
    """

    url: str
    origin: str
    mailpit: str = ""


class Visitor:
    """One browser with its cookies."""

    def __init__(self, doors: Doors, username: str, known: Credentials, keep: Callable[[], None]) -> None:
        """``keep`` stores ``known`` before anything irrevocable is done with it."""
        self._mailpit = doors.mailpit
        self.username = username
        self.known = known
        self._keep = keep
        self._client = aiohttp.ClientSession(
            base_url=doors.url,
            headers={"Origin": doors.origin, "Accept-Language": "de"},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(total=30),
        )

    async def __aenter__(self) -> "Visitor":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def call(
        self, method: str, path: str, body: Any = None, *, if_match: str | None = None, ok: tuple[int, ...] = ()
    ) -> Any:
        """The JSON of an answer; None where there is none, or where it has one of the codes that are also fine.

        Raises:
            Failed: any other error.
        """
        headers = {"If-Match": if_match} if if_match else {}
        async with self._client.request(method, f"/api/v1{path}", json=body, headers=headers) as answer:
            if answer.status in ok:
                return None
            text = await answer.text()
            if answer.status >= 400:
                raise Failed(f"{method} {path} as {self.username}: {answer.status} {text[:500]}")
            return await answer.json() if text else None

    async def send(self, path: str, headers: dict[str, str], content: AsyncIterator[bytes]) -> None:
        """Bytes, however many, as they come.

        Raises:
            Failed: they were not taken.
        """
        patient = aiohttp.ClientTimeout(total=None, sock_read=60)
        async with self._client.post(f"/api/v1{path}", data=content, headers=headers, timeout=patient) as answer:
            if answer.status >= 400:
                raise Failed(f"POST {path} as {self.username}: {answer.status} {(await answer.text())[:500]}")

    async def _texts(self) -> list[str]:
        """Of the mails to this person, newest first."""
        if self._mailpit:
            return await self._texts_of_mailpit()
        async with self._client.get("/dev/mail.json") as answer:
            mails = (await answer.json())["items"]
        return [mail["text"] for mail in reversed(mails) if self.username in mail["to"]]

    async def _texts_of_mailpit(self) -> list[str]:
        """By its API v1: a search, then each message."""
        texts = []
        async with aiohttp.ClientSession(self._mailpit) as client:
            async with client.get("/api/v1/search", params={"query": f'to:"{self.username}"'}) as answer:
                found = (await answer.json())["messages"]
            for mail in found:
                async with client.get(f"/api/v1/message/{mail['ID']}") as answer:
                    texts.append(str((await answer.json())["Text"]))
        return texts

    async def invitation(self) -> str:
        """The link in the newest invitation, once it has come.

        Raises:
            Failed: it does not come.
        """
        end = asyncio.get_running_loop().time() + MAIL_SECONDS
        while asyncio.get_running_loop().time() < end:
            for text in await self._texts():
                if match := _LINK.search(text):
                    return match.group()
            await asyncio.sleep(0.1)
        raise Failed(f"no invitation for {self.username} has come within {MAIL_SECONDS:.0f} s")

    async def open_invitation(self) -> str:
        """Look at the page behind the link; returns the link's secret."""
        token = (await self.invitation()).partition("#")[2]
        await self.call("POST", "/auth/invitations/check", {"token": token}, ok=(410,))
        return token

    async def set_password(self) -> None:
        """From the link to a password, once."""
        if "password" in self.known:
            return
        token = await self.open_invitation()
        self.known["password"] = f"{secrets.token_urlsafe(12)}-7!"
        self._keep()
        await self.call(
            "POST", "/auth/invitations/accept", {"token": token, "password": self.known["password"]}, ok=(410,)
        )

    async def get_in(self) -> None:
        """Password and app, which is set up where there is none yet."""
        await self.set_password()
        credentials = {"username": self.username, "password": self.known["password"]}
        if (await self.call("POST", "/auth/login", credentials))["next"] == "enrol_second_factor":
            app = await self.call("POST", "/auth/second-factor/enrolment", {})
            self.known |= {"secret": app["secret"], "otpauth_uri": app["otpauth_uri"]}
            self._keep()
            await self._give_code("/auth/second-factor/enrolment/confirm")
        else:
            await self._give_code("/auth/login/second-factor")

    async def _give_code(self, path: str) -> None:
        """The code before the present one, so that the present one is left for the person who reads it."""
        for step in (-1, 0, 1):
            code = code_at(self.known["secret"], step_of(utc_now()) + step)
            if await self.call("POST", path, {"code": code}, ok=(401,)) is not None:
                return
        raise Failed(f"no code of {self.username} is accepted; is the clock right?")
