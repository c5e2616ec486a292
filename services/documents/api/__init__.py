"""All endpoints of `documents`; literal paths before those with an id."""

from services.documents.api import billing, documents, exchange, exchange_files, files, operator, uploads

ROUTERS = (
    uploads.router,
    exchange.router,
    exchange_files.router,
    operator.router,
    documents.router,
    files.router,
    billing.router,
)
