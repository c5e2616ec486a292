"""Customers, people, memberships, the audit log: the tables with their rules and errors."""

from services.users.models.audit import AuditLine
from services.users.models.base import (
    MODULES,
    PLACE,
    TIME_ZONES,
    AddressInUse,
    AlreadyIn,
    AlreadyMember,
    Base,
    CannotSwitchOff,
    CustomerNumberTaken,
    CustomerUnknown,
    Deactivated,
    LastAdmin,
    UserUnknown,
)
from services.users.models.customers import Customer, search_words
from services.users.models.memberships import (
    Invitation,
    Leaving,
    Membership,
    State,
    place_of,
    require_an_admin,
)
from services.users.models.notices import MAIL, Choice, Collection, Contact, MailRow, Notice, Side
from services.users.models.people import Step, User, address_key
from services.users.models.reviews import AccessReview
from services.users.models.waiting import WaitingInvitation

__all__ = [
    "MAIL",
    "MODULES",
    "PLACE",
    "TIME_ZONES",
    "AccessReview",
    "AddressInUse",
    "AlreadyIn",
    "AlreadyMember",
    "AuditLine",
    "Base",
    "CannotSwitchOff",
    "Choice",
    "Collection",
    "Contact",
    "Customer",
    "CustomerNumberTaken",
    "CustomerUnknown",
    "Deactivated",
    "Invitation",
    "LastAdmin",
    "Leaving",
    "MailRow",
    "Membership",
    "Notice",
    "Side",
    "State",
    "Step",
    "User",
    "UserUnknown",
    "WaitingInvitation",
    "address_key",
    "place_of",
    "require_an_admin",
    "search_words",
]
