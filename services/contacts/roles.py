"""The roles of contacts, and which of them are sensitive. Pure. Rules: docs/rules/contacts.md."""

import re
from collections.abc import Iterable
from typing import Literal

Side = Literal["operator", "customer"]

TOPICS: dict[str, tuple[str, str]] = {
    "account_manager": ("Kundenbetreuung", "Account manager"),
    "noc": ("NOC rund um die Uhr", "NOC 24/7"),
    "billing": ("Abrechnung", "Billing"),
    "data_centre": ("Rechenzentrum", "Data centre"),
    "security": ("Sicherheit und Missbrauch", "Security and abuse"),
    "data_protection": ("Datenschutz", "Data protection"),
    "escalation_1": ("Eskalation Stufe 1", "Escalation level 1"),
    "escalation_2": ("Eskalation Stufe 2", "Escalation level 2"),
    "escalation_3": ("Eskalation Stufe 3", "Escalation level 3"),
}
"""What the operator's people are there for: German and English name."""

ROLES: dict[str, tuple[str, str]] = {
    "management": ("Geschäftsleitung", "Management"),
    "commercial": ("Kaufmännisch", "Commercial"),
    "invoices": ("Rechnungsempfang", "Invoices"),
    "technical": ("Technik", "Technical"),
    "technical_out_of_hours": ("Technik außerhalb der Arbeitszeit", "Out-of-hours technical"),
    "planned_works": ("Geplante Arbeiten", "Planned works"),
    "abuse": ("Missbrauch", "Abuse"),
    "data_protection": ("Datenschutz", "Data protection"),
    "site_access": ("Zutritt", "Site access"),
}
"""What a customer's people are there for. One that nobody has is a gap."""

SENSITIVE = frozenset({"invoices", "site_access"})
"""Whoever has them gets money's papers or a door opened: changes wait for the operator."""

IDENTIFYING = frozenset({"given_name", "family_name", "organisation", "email", "phone", "mobile"})
"""Who somebody is and how one reaches them."""

_OTHER_WORDS = {"out_of_hours_technical": "technical_out_of_hours", "invoice": "invoices", "security_abuse": "security"}
_OTHER_WORDS |= {"security_and_abuse": "security", "datacentre": "data_centre", "data_center": "data_centre"}


def roles_of(side: str) -> dict[str, tuple[str, str]]:
    """The roles that exist on this side."""
    return TOPICS if side == "operator" else ROLES


def word_of(role: str) -> str:
    """As the CRM may write it: ``Site-Access`` is ``site_access``. What nobody knows stays as it is."""
    word = re.sub(r"[\s_-]+", "_", role.strip().lower())
    return _OTHER_WORDS.get(word, word)


def name_of(side: str, role: str, language: str) -> str:
    """For people; a role that nobody knows is shown as it came."""
    german, english = roles_of(side).get(role, (role, role))
    return english if language == "en" else german


def waits(side: str, before: Iterable[str], after: Iterable[str], changed: Iterable[str]) -> bool:
    """Whether a change by the customer's people waits for the operator.

    It does when it gives or takes a sensitive role, or touches who somebody with one is or how one reaches them.

    Source: docs/rules/contacts.md, rule C-6.
    """
    had, gets = SENSITIVE & set(before), SENSITIVE & set(after)
    if side != "customer":
        return False
    return had != gets or bool(gets and IDENTIFYING & set(changed))
