"""All endpoints of `documents`; literal paths before those with an id."""

from services.documents.api import billing, documents, files, operator

ROUTERS = (operator.router, documents.router, files.router, billing.router)
