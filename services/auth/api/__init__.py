"""All endpoints of `auth`."""

from services.auth.api import inner, invitations, login, passwords, second_factor, sessions

ROUTERS = (
    passwords.router,
    invitations.router,
    login.router,
    second_factor.router,
    sessions.router,
    inner.router,
)
