"""What each mail says. Pure: the templates beside this file, and the values that go into them."""

from datetime import datetime
from pathlib import Path
from typing import Any

from chassis.brand import Brand
from chassis.mail import Mail, Templates, moment
from services.auth.mails.notices import KINDS as NOTICES
from services.auth.mails.notices import notice
from services.auth.models import Link, MailRow
from services.auth.settings import Settings

_TEMPLATES = Templates(Path(__file__).parent)
_PAGES = {
    "invitation": "/invitation",
    "reset": "/password-reset",
    "second_factor": "/second-factor",
    "email_change": "/email-change",
}
_TIMES = ("at", "until")


def letter(row: MailRow, link: Link | None, secret: str | None, brand: Brand, settings: Settings) -> Mail:
    """Render a mail in the reader's language. The secret stands in the fragment, which no server ever sees."""
    base = settings.public_url.rstrip("/")
    times = {
        name: moment(datetime.fromisoformat(row.words[name]), row.language, settings.mail_time_zone)
        for name in _TIMES
        if name in row.words
    }
    values: dict[str, Any] = {
        **row.words,
        "brand": brand,
        "username": row.recipient,
        "sign_in_url": f"{base}/",
        "url": f"{base}{_PAGES[row.kind]}#{secret}" if secret else f"{base}/",
        "until": moment(link.expires_at, row.language, settings.mail_time_zone) if link else "",
        "apps": [app for app in brand.authenticator if app.ios or app.android],
    }
    if row.kind in NOTICES:
        news = notice(row.kind, row.language, row.words | times)
        return _TEMPLATES.render("notice", row.language, to=row.recipient, notice=news, **values)
    return _TEMPLATES.render(row.kind, row.language, to=row.recipient, **values)
