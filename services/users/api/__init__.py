"""The endpoints of `users`."""

from services.users.api.audit import router as audit_router
from services.users.api.customer_imports import router as customer_imports_router
from services.users.api.customers import router as customers_router
from services.users.api.imports import router as imports_router
from services.users.api.inner import router as inner_router
from services.users.api.me import router as me_router
from services.users.api.notifications import router as notifications_router
from services.users.api.operator import router as operator_router
from services.users.api.resets import router as resets_router
from services.users.api.reviews import router as reviews_router
from services.users.api.staff import router as staff_router
from services.users.api.users import router as users_router

ROUTERS = (
    me_router,
    notifications_router,
    operator_router,
    audit_router,
    reviews_router,
    imports_router,
    resets_router,
    users_router,
    customer_imports_router,
    customers_router,
    staff_router,
    inner_router,
)
