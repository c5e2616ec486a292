"""What each mail says: the templates beside this file, and the values that go into them."""

from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from chassis.brand import Brand
from chassis.mail import Mail, Templates, moment
from services.users.mails.interests import INTERESTS
from services.users.mails.wording import headline, item, role
from services.users.models import MailRow
from services.users.settings import Settings

_TEMPLATES = Templates(Path(__file__).parent)
_PAGES = {
    "filed": "/files",
    "shared": "/files/exchange",
    "quarantined": "/files/exchange",
    "contracts": "/contracts",
    "contacts": "/contacts",
    "waiting": "/contacts",
    "decided": "/contacts",
    "traffic": "/graphs",
}
PREFERENCES = "/profile#notifications"
CONTACTS = "/contacts"


def letter(row: MailRow, brand: Brand, settings: Settings) -> Mail:
    """Render a mail in the reader's language. Links begin with the configured address, never with a request's."""
    english = row.language == "en"
    values: dict[str, Any] = {
        **row.words,
        "brand": brand,
        "preferences_url": urljoin(settings.public_url, PREFERENCES),
        "contacts_url": urljoin(settings.public_url, CONTACTS),
        "contact_role": role(row.words["role"], english) if row.words.get("role") else "",
        "recipient": row.recipient,
    }
    if row.kind == "notice":
        values |= _notice(row.words, settings.public_url, english)
    else:
        zone = row.words["time_zone"] or settings.mail_time_zone
        values["at"] = moment(datetime.fromisoformat(row.words["occurred_at"]), row.language, zone)
    return _TEMPLATES.render(row.kind, row.language, to=row.recipient, **values)


def _notice(words: dict[str, Any], base: str, english: bool) -> dict[str, Any]:
    news = [item(one, english) for one in words["items"]]
    total = sum(words["counts"].values())
    return {
        "headline": headline(words["counts"], news, words["topic"], english),
        "news": [{"title": one.title, "detail": one.detail, "url": urljoin(base, one.path)} for one in news],
        "kinds": ", ".join(INTERESTS[name].text[english] for name in INTERESTS if name in words["counts"]),
        "more": total - len(news),
        "several": total > 1,
        "url": urljoin(base, news[0].path if total == 1 else _PAGES[words["topic"]]),
    }
