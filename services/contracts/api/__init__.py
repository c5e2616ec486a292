"""All endpoints of `contracts`; literal paths before those with an id."""

from services.contracts.api import calendar, contracts, operator

ROUTERS = (operator.router, calendar.router, contracts.router)
