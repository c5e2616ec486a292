"""What the tables share, and every error of this service."""

from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import DeclarativeBase

from chassis.db import new_metadata
from chassis.errors import Conflict, NotFound

MODULES = ("invoices", "call_records", "exchange", "graphs", "contracts", "contacts")
PLACE = ZoneInfo("Europe/Berlin")
"""Where the operator is: its own people's last day ends with the day there."""
TIME_ZONES = frozenset(available_timezones())
BIG = BigInteger().with_variant(Integer, "sqlite")
"""64 bit on both databases."""


class Base(DeclarativeBase):
    """The tables of `users`."""

    metadata = new_metadata()


class LastAdmin(Conflict):
    """The last active admin cannot be taken away."""

    de = "Die letzte aktive Verwaltung kann nicht entfernt werden."


class CustomerNumberTaken(Conflict):
    """This customer number exists already."""

    de = "Diese Kundennummer gibt es schon."


class AlreadyMember(Conflict):
    """This person belongs to the company already."""

    de = "Diese Person gehört schon zur Firma."


class AlreadyIn(Conflict):
    """This person has used the invitation; there is nothing to send."""

    de = "Diese Person hat die Einladung schon benutzt."


class Deactivated(Conflict):
    """This user is deactivated; activate the user first."""

    de = "Dieser Benutzer ist deaktiviert; aktivieren Sie ihn zuerst."


class AddressInUse(Conflict):
    """The address can be corrected only until the invitation is used."""

    de = "Die Adresse kann nur berichtigt werden, bis die Einladung benutzt ist."


class CannotSwitchOff(Conflict):
    """What concerns the security of accesses cannot be switched off."""

    de = "Was die Sicherheit von Zugängen betrifft, lässt sich nicht abschalten."


class CustomerUnknown(NotFound):
    """There is no such customer."""

    de = "Diesen Kunden gibt es nicht."


class UserUnknown(NotFound):
    """There is no such user."""

    de = "Diesen Benutzer gibt es nicht."
