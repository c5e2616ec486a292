"""The running session: look at it, switch the customer, prove oneself anew, sign out."""

import asyncio
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import SignedIn
from chassis.db import ReadSession, Session
from chassis.errors import Forbidden, NotFound, NotSignedIn, TooMany, problems
from chassis.identity import STEP_UP_SECONDS
from chassis.outbox import emit
from services.auth.api import cookies
from services.auth.api.bodies import Body, CodeBody
from services.auth.api.here import Here
from services.auth.api.principal import PrincipalOut, principal_of
from services.auth.audit import audit_line
from services.auth.models import Account, Customer, Membership
from services.auth.storage.context import Context
from services.auth.storage.second_factor import SecondFactorLocked, accept, refuse, reserve
from services.auth.storage.sessions import end, own_session, replace_session

router = APIRouter(prefix="/auth", tags=["auth"])


class CodeRefused(Forbidden):
    """This code is not right, or was used already; please wait for the next one."""

    de = "Dieser Code stimmt nicht oder wurde schon benutzt; bitte warten Sie auf den nächsten."


class CustomerChoice(Body):
    """The customer to open."""

    customer_id: UUID


class StepUpOut(BaseModel):
    """Until when sensitive calls are allowed without another code."""

    valid_until: datetime


@router.get("/session")
async def show_session(by: SignedIn, session: ReadSession, here: Here) -> PrincipalOut:
    """Who is signed in, for which customer, and until when."""
    own = await own_session(session, by, here.settings, here.now)
    account = await session.get_one(Account, own.user_id)
    return await principal_of(session, here, account, own)


@router.delete("/session", status_code=204)
async def sign_out(by: SignedIn, session: Session, response: Response, here: Here) -> None:
    """End this session; the browser also drops what it has kept, except that it is a known device."""
    own = await own_session(session, by, here.settings, here.now)
    end(session, own, "sign_out", here.now)
    emit(session, audit_line("logout", "done", by, own.user_id, None, here.now))
    for name in ("session", "ticket"):
        cookies.take_away(response, name, here.settings)
    response.headers["Clear-Site-Data"] = '"cache", "storage"'


@router.post("/session/customer", responses=problems(NotFound))
async def switch_customer(body: CustomerChoice, by: SignedIn, response: Response, here: Here) -> PrincipalOut:
    """Open another customer: one's own by membership, or any as the operator. The session gets a new id."""
    if by.is_operator:
        await _until_heard_of(here, body.customer_id)
    async with here.database.transaction() as session:
        own = await own_session(session, by, here.settings, here.now)
        if not await _may_open(session, own.user_id, body.customer_id, here.now):
            raise NotFound
        successor = await replace_session(session, own, "switched", here.now)
        if successor is None:
            raise NotSignedIn
        successor.session.customer_id = body.customer_id
        line = audit_line("customer_opened", "done", by, own.user_id, None, here.now)
        emit(session, line.model_copy(update={"customer_id": body.customer_id}))
        account = await session.get_one(Account, own.user_id)
        opened = await principal_of(session, here, account, successor.session)
    cookies.put(response, "session", successor.token, here.settings)
    return opened


@router.post("/step-up", responses=problems(CodeRefused, SecondFactorLocked, TooMany))
async def step_up(body: CodeBody, by: SignedIn, response: Response, here: Here) -> StepUpOut:
    """A fresh code before something sensitive; good for ten minutes. The session gets a new id."""
    await reserve(here, by.user_id, body.code, None)
    successor = None
    async with here.database.transaction() as session:
        own = await own_session(session, by, here.settings, here.now)
        factor = await accept(session, here.box, own.user_id, body.code, here.now)
        if factor is None:
            await refuse(session, here, by, own.user_id, body.code)
        else:
            successor = await replace_session(session, own, "replaced", here.now)
            if successor is None:
                raise NotSignedIn
            successor.session.step_up_at = here.now
            emit(session, audit_line("step_up", "done", by, own.user_id, factor, here.now))
    if successor is None:
        raise CodeRefused
    cookies.put(response, "session", successor.token, here.settings)
    return StepUpOut(valid_until=datetime.fromtimestamp(here.now.timestamp() + STEP_UP_SECONDS, tz=here.now.tzinfo))


async def _until_heard_of(here: Context, customer_id: UUID) -> None:
    """A customer made a moment ago is on its way here by event; whoever made it wants to open it at once."""
    for _ in range(50):
        async with here.database.reading() as session:
            if await session.get(Customer, customer_id) is not None:
                return
        await asyncio.sleep(0.1)


async def _may_open(session: AsyncSession, user_id: UUID, customer_id: UUID, now: datetime) -> bool:
    customer = await session.get(Customer, customer_id)
    if customer is None or not customer.active:
        return False
    theirs = await session.scalars(select(Membership).where(Membership.user_id == user_id))
    holding = [one for one in theirs if one.holds(now.date())]
    return any(one.role == "operator" or one.customer_id == customer_id for one in holding)
