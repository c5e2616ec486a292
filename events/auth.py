"""What `auth` tells: the steps of the first access, sign-ins, sessions. Never a secret."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from events.base import AuditRecorded, Event

_USERS = frozenset({"users"})


class InvitationSent(Event):
    """The mail server accepted the invitation."""

    subject = "auth.invitation.sent.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    membership_id: UUID
    customer_id: UUID | None
    expires_at: datetime
    occurred_at: datetime


class InvitationFailed(Event):
    """The mail server refused the invitation for good, or never answered."""

    subject = "auth.invitation.failed.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    membership_id: UUID
    customer_id: UUID | None
    reason: str = Field(description="what the mail server said, at most 300 characters")
    occurred_at: datetime


class InvitationOpened(Event):
    """The page behind the link was opened for the first time; nothing else changed."""

    subject = "auth.invitation.opened.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    membership_id: UUID
    customer_id: UUID | None
    occurred_at: datetime


class PasswordSet(Event):
    """A person set a password: at first access, by reset, or by changing it."""

    subject = "auth.password.set.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    membership_id: UUID | None = Field(default=None, description="of the invitation that was used")
    customer_id: UUID | None = None
    cause: Literal["invitation", "reset", "change"]
    occurred_at: datetime


class SecondFactorEnrolled(Event):
    """An authenticator app was confirmed with a code."""

    subject = "auth.second_factor.enrolled.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    occurred_at: datetime


class SecondFactorReset(Event):
    """The authenticator app was taken away, or locked after too many wrong codes."""

    subject = "auth.second_factor.reset.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    cause: Literal["reset", "locked"]
    occurred_at: datetime


class EmailConfirmed(Event):
    """A person has opened the link that was sent to a new address: it is the user name from now on."""

    subject = "auth.email.confirmed.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    email: str
    occurred_at: datetime


class LoginSucceeded(Event):
    """A person is in: password and second factor."""

    subject = "auth.login.succeeded.v1"
    listeners = _USERS
    entity_field = "user_id"

    user_id: UUID
    session_id: UUID
    factor: Literal["totp", "recovery_code"]
    address: str
    device: str
    occurred_at: datetime


class LoginFailed(Event):
    """A try was refused. Bears the user only where the name was known."""

    subject = "auth.login.failed.v1"
    listeners = _USERS
    entity_field = "step"

    user_id: UUID | None
    step: Literal["password", "second_factor"]
    address: str
    occurred_at: datetime


class LoginLocked(Event):
    """A counter is full: the account's tries are throttled, or the second factor is locked."""

    subject = "auth.login.locked.v1"
    listeners = _USERS
    entity_field = "step"

    user_id: UUID | None
    step: Literal["password", "second_factor"]
    address: str
    occurred_at: datetime


class SessionEnded(Event):
    """Sessions are over, effective at once everywhere."""

    subject = "auth.session.ended.v1"
    entity_field = "user_id"

    user_id: UUID
    session_id: UUID | None = Field(description="none: all sessions of the user")
    cause: Literal["sign_out", "ended", "reset", "deactivated", "switched", "too_many", "replaced"]
    occurred_at: datetime


class AuthAuditRecorded(AuditRecorded):
    """A line of `auth` for the audit log."""

    subject = "auth.audit.recorded.v1"
    listeners = _USERS
