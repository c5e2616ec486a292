"""What the terminal says once everything runs: where to go, how to sign in."""

import asyncio
import re
import shlex
import sysconfig
import time
from pathlib import Path

from portalctl.console import Failed, say
from portalctl.supervisor.installation import Installation
from portalctl.supervisor.mailbox import Mailbox
from portalctl.supervisor.supervisor import Supervisor

MAIL_SECONDS = 150.0
"""A mail that was under way when `auth` was killed is tried again after two minutes."""
_LINK = re.compile(r"https?://\S+/invitation#\S+")


async def first_operator(supervisor: Supervisor, email: str) -> None:
    """On the first start: invite the operator's first person, and show the link from the mail that was sent.

    Raises:
        Failed: no mail came.
    """
    home = supervisor.installation.home
    known = home.read("operator.json")
    if known is not None:
        return
    before = len(supervisor.mailbox.items)
    await supervisor.command("invite-operator", "--email", email, "--given-name", "Erste", "--family-name", "Bedienung")
    link = await _link_from_mail(supervisor.mailbox, email, before)
    home.write("operator.json", {"email": email})
    say("")
    say("The first operator's invitation (it works once, for seven days):")
    say(f"  {email}")
    say(f"  {link}")


async def _link_from_mail(mailbox: Mailbox, email: str, since: int) -> str:
    end = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < end:
        for mail in mailbox.items[since:]:
            if email in mail["to"] and (match := _LINK.search(mail["text"])):
                return match.group()
        await asyncio.sleep(0.05)
    raise Failed(f"no invitation for {email} came within {MAIL_SECONDS:.0f} s; look into the logs")


def how_to_call(installation: Installation) -> str:
    """`portalctl` as it can be typed here: it is rarely on the path, and the folder may be another one."""
    program = Path(sysconfig.get_path("scripts")) / "portalctl"
    short = program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program
    home = installation.home.folder
    return str(short) if home == Path(".portal").absolute() else f"PORTAL_HOME={shlex.quote(str(home))} {short}"


def show_empty(installation: Installation) -> None:
    """Where to go."""
    say("")
    say(f"Portal:  {installation.public_url}")
    say(f"Mails:   {installation.public_url}/dev/mail")
    say("Ctrl-C ends everything; nothing is lost.")


def show_demo(installation: Installation) -> None:
    """Where to go, and who can sign in."""
    demo = installation.home.read("demo.json") or {}
    say("")
    say(f"Portal:  {installation.public_url}")
    say(f"Mails:   {installation.public_url}/dev/mail")
    say("")
    say("Sign in (the second factor is never left out; take the code from the command, or put the secret into an app):")
    for person in (one for one in demo.get("people", []) if one["what"]):
        say(f"  {person['what']}")
        say(f"    user name {person['username']}   password {person['password']}")
        say(f"    code      {how_to_call(installation)} demo-code {person['username']}")
        say(f"    app       {person['otpauth_uri']}")
    if demo.get("invitation"):
        say("  Or walk the first access of a new user (the link works once):")
        say(f"    {demo['invitation']}")
    say("")
    say("Ctrl-C ends everything; nothing is lost.")
