"""The endpoints of `users`."""

from services.users.api.audit import router as audit_router
from services.users.api.customers import router as customers_router
from services.users.api.inner import router as inner_router
from services.users.api.me import router as me_router
from services.users.api.users import router as users_router

ROUTERS = (me_router, audit_router, users_router, customers_router, inner_router)
