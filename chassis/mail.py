"""Mails: rendered from files with the reader's data as variables only, and handed to an SMTP server."""

import calendar
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import aiosmtplib
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import Field, SecretStr, field_validator, model_validator

from chassis.settings import ServiceSettings

_LAYOUT = Path(__file__).parent / "mail_layout"
_MONTHS = [name for name in calendar.month_name if name]


class MailSettings(ServiceSettings):
    """For services that send mail."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, gt=0, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_tls: bool = Field(default=False, description="STARTTLS; production needs it")
    smtp_timeout_seconds: float = 20
    mail_poll_interval: timedelta = Field(
        default=timedelta(milliseconds=500), description="how often due mails are sought"
    )
    mail_retry_delays_seconds: tuple[float, ...] = Field(
        default=(10, 30, 60, 300, 900, 1800), description="waits before each further try; the last one repeats"
    )
    mail_lifetime: timedelta = Field(default=timedelta(days=3), description="a mail nobody took for so long is dead")
    mail_time_zone: str = Field(default="Europe/Berlin", description="in which mails name times")

    @model_validator(mode="after")
    def production_speaks_tls(self) -> Self:
        """Links that open accounts do not travel in the clear."""
        if self.production and not self.smtp_tls:
            raise ValueError("production needs smtp_tls (STARTTLS)")
        return self

    @field_validator("mail_time_zone")
    @classmethod
    def is_known(cls, value: str) -> str:
        """An unknown zone would fail at the first mail."""
        ZoneInfo(value)
        return value


class MailRefused(Exception):
    """The server will never take this mail (SMTP 5xx); its words are the message."""


class MailDelayed(Exception):
    """The server cannot be reached or asks to come again (SMTP 4xx)."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered mail in both forms."""

    to: str
    subject: str
    text: str
    html: str


class Templates:
    """Files ``<name>.<language>.txt`` (first line: the subject) and ``<name>.<language>.html`` in one folder.

    The HTML extends ``layout.<language>.html`` of the chassis.
    """

    def __init__(self, folder: Path) -> None:
        loader = FileSystemLoader([folder, _LAYOUT])
        self._text = Environment(loader=loader, undefined=StrictUndefined, autoescape=False, trim_blocks=True)  # noqa: S701  # plain text
        self._html = Environment(loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True)

    def render(self, name: str, language: str, *, to: str, **values: Any) -> Mail:
        """Fill a mail in the reader's language."""
        text = self._text.get_template(f"{name}.{language}.txt").render(values)
        subject, _, body = text.partition("\n")
        html = self._html.get_template(f"{name}.{language}.html").render(values | {"subject": subject})
        return Mail(to=to, subject=" ".join(subject.split()), text=body.lstrip("\n"), html=html)


def moment(at: datetime, language: str, zone: str) -> str:
    """A time as people write it, with its zone."""
    local = at.astimezone(ZoneInfo(zone))
    if language == "en":
        return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} ({local.tzname()})"
    return f"{local:%d.%m.%Y}, {local:%H:%M} Uhr ({local.tzname()})"


async def send(mail: Mail, settings: MailSettings, *, sender: str, message_id: str) -> None:
    """Hand a mail to the server.

    ``message_id`` is the same for every try, so that a doubled delivery can be seen as one.

    Raises:
        MailRefused: for good.
        MailDelayed: try again later.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Message-ID"] = f"<{message_id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Date"] = formatdate()
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    try:
        await aiosmtplib.send(
            message,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user or None,
            password=settings.smtp_password.get_secret_value() or None,
            start_tls=settings.smtp_tls,
            timeout=settings.smtp_timeout_seconds,
        )
    except aiosmtplib.SMTPRecipientsRefused as error:
        first = error.recipients[0]
        raise (MailRefused if first.code >= 500 else MailDelayed)(f"{first.code} {first.message}"[:300]) from None
    except aiosmtplib.SMTPResponseException as error:
        raise (MailRefused if error.code >= 500 else MailDelayed)(f"{error.code} {error.message}"[:300]) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise MailDelayed(repr(error)[:300]) from None
