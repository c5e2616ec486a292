"""Lines for the audit log. Pure."""

from chassis.audit import AuditLines
from events.documents import DocumentsAuditRecorded

audit_line = AuditLines(DocumentsAuditRecorded)
