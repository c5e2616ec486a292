"""The tables with their rules and errors; nothing here waits."""

from services.auth.models.accounts import Account, Customer, Membership, account_key, opened
from services.auth.models.base import Base, changed_one
from services.auth.models.counters import CounterRow
from services.auth.models.factors import RecoveryCode, TotpFactor
from services.auth.models.links import (
    EmailLinkExpired,
    InvitationExpired,
    InvitationUsed,
    Link,
    LinkUnknown,
    ResetLinkExpired,
    SecondFactorLinkExpired,
)
from services.auth.models.mails import MailRow, invitation_request, mail_to
from services.auth.models.sessions import Device, SignIn, Ticket, UserSession
from services.auth.models.tokens import MACHINE_SCOPES, ApiToken, create_machine_token, create_user_token

__all__ = [
    "MACHINE_SCOPES",
    "Account",
    "ApiToken",
    "Base",
    "CounterRow",
    "Customer",
    "Device",
    "EmailLinkExpired",
    "InvitationExpired",
    "InvitationUsed",
    "Link",
    "LinkUnknown",
    "MailRow",
    "Membership",
    "RecoveryCode",
    "ResetLinkExpired",
    "SecondFactorLinkExpired",
    "SignIn",
    "Ticket",
    "TotpFactor",
    "UserSession",
    "account_key",
    "changed_one",
    "create_machine_token",
    "create_user_token",
    "invitation_request",
    "mail_to",
    "opened",
]
