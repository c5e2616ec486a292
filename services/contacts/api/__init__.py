"""All endpoints of `contacts`; literal paths before those with an id."""

from services.contacts.api import approvals, contacts, exports, operator, review

ROUTERS = (operator.router, approvals.router, review.router, exports.bare, exports.router, contacts.router)
