"""The second step: the code of the authenticator app, and setting the app up."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.access import Anyone
from chassis.errors import NotSignedIn, StepUpRequired, TooMany, problems
from chassis.identity import Identity
from services.auth.api import cookies
from services.auth.api.bodies import Body, CodeBody, Token
from services.auth.api.here import Here
from services.auth.api.principal import PrincipalOut, principal_of
from services.auth.api.signing_in import SignedInBrowser, account_of_ticket, complete, hand_out, ticket_of
from services.auth.models import Account, LinkUnknown, SecondFactorLinkExpired, mail_to
from services.auth.secrets import token_hash
from services.auth.storage.context import Context
from services.auth.storage.enrolment import (
    AlreadyEnrolled,
    ClockIsOff,
    Enroller,
    EnrolmentLinkRequired,
    EnrolmentNotStarted,
    activate,
    note_wrong_code,
    pending_seed,
    reserve_enrolment,
)
from services.auth.storage.second_factor import SecondFactorLocked, SignInExpired, WrongCode, accept, refuse, reserve
from services.auth.storage.sessions import end_others, own_session, replace_session
from services.auth.totp import otpauth_uri, qr_svg

router = APIRouter(prefix="/auth", tags=["auth"])


class EnrolmentStart(Body):
    """After a reset of the second factor: the secret of the mailed link."""

    token: Token | None = None


class EnrolmentOut(BaseModel):
    """What the authenticator app needs, as a picture and as text to type."""

    secret: str
    otpauth_uri: str
    qr_svg: str
    issuer: str
    account: str


class EnrolledOut(BaseModel):
    """Ten codes, each good for one sign-in without the app; never shown again."""

    recovery_codes: list[str]


@router.post("/login/second-factor", responses=problems(WrongCode, SignInExpired, SecondFactorLocked, TooMany))
async def prove_second_factor(
    body: CodeBody, request: Request, response: Response, by: Anyone, here: Here
) -> PrincipalOut:
    """Complete the sign-in with a code of the app or a recovery code. The ticket cookie is what lets one in here."""
    ticket = await ticket_of(request, here)
    await reserve(here, ticket.user_id, body.code, _ticket(request, here))
    browser = None
    async with here.database.transaction() as session:
        factor = await accept(session, here.box, ticket.user_id, body.code, here.now)
        if factor is None:
            await refuse(session, here, by, ticket.user_id, body.code)
        else:
            account = await account_of_ticket(session, _ticket(request, here), ticket.user_id, here)
            browser = await complete(session, request, here, by, ticket.user_id, factor)
            principal = await principal_of(session, here, account, browser.opened.session)
    if browser is None:
        raise WrongCode
    hand_out(response, browser, here)
    response.headers["Cache-Control"] = "no-store"
    return principal


@router.post(
    "/second-factor/enrolment",
    responses=problems(
        NotSignedIn,
        SignInExpired,
        StepUpRequired,
        AlreadyEnrolled,
        EnrolmentLinkRequired,
        LinkUnknown,
        SecondFactorLinkExpired,
    ),
)
async def start_enrolment(
    body: EnrolmentStart, request: Request, response: Response, by: Anyone, here: Here
) -> EnrolmentOut:
    """A new secret for an authenticator app; it waits beside the present one until a code confirms it.

    With the ticket of a first access, with ticket and mailed link after a reset, or with a session that has just given
    a fresh code.
    """
    enroller = await _enroller(request, by, here)
    async with here.database.transaction() as session:
        account, seed = await pending_seed(session, here, enroller, body.token)
    uri = otpauth_uri(seed, issuer=here.brand.portal_name, account=account.email)
    response.headers["Cache-Control"] = "no-store"
    return EnrolmentOut(
        secret=seed, otpauth_uri=uri, qr_svg=qr_svg(uri), issuer=here.brand.portal_name, account=account.email
    )


@router.post(
    "/second-factor/enrolment/confirm",
    responses=problems(
        WrongCode, ClockIsOff, SignInExpired, EnrolmentNotStarted, AlreadyEnrolled, SecondFactorLinkExpired, TooMany
    ),
)
async def confirm_enrolment(
    body: CodeBody, request: Request, response: Response, by: Anyone, here: Here
) -> EnrolledOut:
    """The app shows the right code: from now on it is the second factor, and this browser is signed in."""
    enroller = await _enroller(request, by, here)
    await reserve_enrolment(here, enroller)
    async with here.database.transaction() as session:
        outcome = await activate(session, here, by, enroller, body.code)
        if isinstance(outcome, NotSignedIn):
            await note_wrong_code(session, here, by, enroller)
        else:
            browser = await _sign_in_after(session, request, here, by, enroller)
    if isinstance(outcome, NotSignedIn):
        raise outcome
    hand_out(response, browser, here)
    response.headers["Cache-Control"] = "no-store"
    return EnrolledOut(recovery_codes=outcome)


async def _sign_in_after(
    session: AsyncSession, request: Request, here: Context, by: Identity, enroller: Enroller
) -> SignedInBrowser:
    """First access: a session. A new app in a running session: a successor, and the other sessions are over."""
    if enroller.ticket is not None:
        await account_of_ticket(session, enroller.ticket, enroller.user_id, here)
        return await complete(session, request, here, by, enroller.user_id, "totp")
    account = await session.get_one(Account, enroller.user_id)
    own = await own_session(session, by, here.settings, here.now)
    await end_others(session, enroller.user_id, own.id, "ended", here.now)
    opened = await replace_session(session, own, "replaced", here.now)
    if opened is None:
        raise NotSignedIn
    session.add(mail_to(account, "app_changed", {"at": here.now.isoformat()}, here.now))
    return SignedInBrowser(opened, cookies.read(request, "device", here.settings))


async def _enroller(request: Request, by: Identity, here: Context) -> Enroller:
    if by.complete and by.is_browser:
        if not by.stepped_up(here.now):
            raise StepUpRequired
        return Enroller(by.user_id, token_hash(str(by.sid)), None)
    ticket = await ticket_of(request, here)
    return Enroller(ticket.user_id, ticket.token_hash, _ticket(request, here))


def _ticket(request: Request, here: Context) -> str:
    return cookies.read(request, "ticket", here.settings) or ""
