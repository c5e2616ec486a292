"""`/users/{id}/second-factor-reset`: an admin, or the operator, takes a lost authenticator app away."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AfterValidator, StringConstraints

from chassis.access import AdminSteppedUp
from chassis.db import Session, utc_now
from chassis.errors import Conflict, Forbidden, NoCustomerChosen, StepUpRequired, problems
from chassis.outbox import emit
from events.users import SecondFactorResetRequested
from services.users.api.auditing import refusals
from services.users.api.bodies import Body, one_line
from services.users.api.rows import UserOut, hold_row
from services.users.audit import audit_line
from services.users.models import UserUnknown
from services.users.people import memberships_of

router = APIRouter(prefix="/users")

Reason = Annotated[
    str, StringConstraints(min_length=3, max_length=500, strip_whitespace=True), AfterValidator(one_line)
]


class OwnSecondFactor(Forbidden):
    """Your own app you change under “Security”; if it is lost, another administrator or the operator helps."""

    de = "Ihre eigene App ändern Sie unter „Sicherheit“; ist sie verloren, hilft die Verwaltung oder der Betreiber."


class OperatorNeeded(Forbidden):
    """For this person only the portal's operator can do that; please call."""

    de = "Bei dieser Person kann das nur der Betreiber des Portals; bitte rufen Sie an."


class NothingToReset(Conflict):
    """This person has no authenticator app that could be reset."""

    de = "Diese Person hat keine Authenticator-App, die sich zurücksetzen ließe."


class ResetBody(Body):
    """Why, and how the person was recognised; it stands in the log and in the mails."""

    reason: Reason


@router.post(
    "/{membership_id}/second-factor-reset",
    status_code=202,
    responses=problems(UserUnknown, NoCustomerChosen, OwnSecondFactor, OperatorNeeded, NothingToReset, StepUpRequired),
    dependencies=[refusals("second_factor_reset_requested")],
)
async def reset_second_factor(membership_id: UUID, body: ResetBody, who: AdminSteppedUp, session: Session) -> UserOut:
    """All sessions end; password and the link in the mail open the enrolment. The person and all admins are told."""
    membership = await hold_row(session, who, membership_id)
    now = utc_now()
    if membership.user_id == who.user_id:
        raise OwnSecondFactor
    if membership.state(now) not in ("active", "locked"):
        raise NothingToReset
    others = [one for one in await memberships_of(session, membership.user_id) if one.id != membership.id]
    if others and not who.is_operator:
        raise OperatorNeeded
    emit(
        session,
        SecondFactorResetRequested(
            user_id=membership.user_id,
            customer_id=membership.customer_id,
            reason=body.reason,
            requested_by=who.name,
            actor_id=who.user_id,
            by_operator=who.is_operator,
            occurred_at=now,
        ),
        audit_line("second_factor_reset_requested", who, f"membership/{membership.id}", now),
    )
    return UserOut.of(membership, now)
