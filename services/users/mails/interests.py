"""What is worth a mail, who gets it unless they say otherwise, and what cannot be switched off. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from services.users.models import Membership

Topic = Literal["filed", "shared", "quarantined", "contracts", "contacts", "waiting", "decided", "traffic"]
"""What comes together in one mail."""
Name = Literal[
    "invoice_filed",
    "document_filed",
    "file_shared",
    "file_quarantined",
    "contract_notice",
    "contact_review",
    "contact_waiting",
    "contact_decided",
    "traffic_commit",
    "traffic_threshold",
    "security",
]
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(frozen=True, slots=True)
class Interest:
    """One kind of news.

    Attributes:
        text: German and English, as the page of preferences calls it.
        modules: Any of them lets a person see such news.
        role: The role of a customer's contacts who get it too, users or not.
        default: Which of the customer's people get it without a word of theirs.
        staff: The operator's own people may get it.
        fixed: Nobody can switch it off.
    """

    text: tuple[str, str]
    topic: Topic | None = None
    modules: tuple[str, ...] = ()
    role: str | None = None
    default: Literal["all", "admins"] = "all"
    staff: bool = False
    fixed: bool = False

    def concerns(self, places: Iterable[Membership]) -> bool:
        """Whether such news can come to somebody with these places."""
        return self.fixed or any(
            self.staff if one.customer_id is None else bool(set(self.modules) & set(one.effective_modules))
            for one in places
        )

    def wanted_by_default(self, places: Iterable[Membership]) -> bool:
        """Without a word of theirs."""
        return self.fixed or self.default == "all" or any(one.role == "admin" for one in places)


INTERESTS: Mapping[Name, Interest] = {
    "invoice_filed": Interest(("Neue Rechnungen", "New invoices"), "filed", ("invoices",), role="invoices"),
    "document_filed": Interest(
        ("Neue Dokumente zu Rechnungen", "New documents with invoices"),
        "filed",
        ("invoices", "call_records"),
        role="invoices",
    ),
    "file_shared": Interest(
        ("Neue Dateien im Austausch", "New files in the exchange drive"), "shared", ("exchange",), staff=True
    ),
    "file_quarantined": Interest(
        ("Dateien, in denen die Virenprüfung etwas gefunden hat", "Files in which the virus scan has found something"),
        "quarantined",
        ("exchange",),
        staff=True,
    ),
    "contract_notice": Interest(
        ("Kündigungsfristen, die bald ablaufen", "Notice days that come near"),
        "contracts",
        ("contracts",),
        role="commercial",
    ),
    "contact_review": Interest(
        ("Ansprechpartner, die zu prüfen sind", "Contacts that are due for review"), "contacts", ("contacts",)
    ),
    "contact_waiting": Interest(
        ("Ansprechpartner, die auf Freigabe warten", "Contacts that wait for approval"), "waiting", staff=True
    ),
    "contact_decided": Interest(
        (
            "Entscheidungen über Ansprechpartner, die Sie ändern wollten",
            "Decisions about contacts you wanted to change",
        ),
        "decided",
        ("contacts",),
    ),
    "traffic_commit": Interest(
        ("Zugesagte Bandbreite bald oder schon überschritten", "Committed bandwidth nearly or already exceeded"),
        "traffic",
        ("graphs",),
        role="technical",
        default="admins",
    ),
    "traffic_threshold": Interest(
        ("Selbst gesetzte Schwellen überschritten", "Limits of your own exceeded"),
        "traffic",
        ("graphs",),
        role="technical",
        default="admins",
    ),
    "security": Interest(("Sicherheit von Zugängen", "Security of accesses"), fixed=True),
}
"""In the order of the page."""
