"""All endpoints of `documents`."""

from services.documents.api import documents, files

ROUTERS = (documents.router, files.router)
