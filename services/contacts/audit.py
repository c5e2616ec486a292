"""Lines for the audit log. Pure."""

from chassis.audit import AuditLines
from events.contacts import ContactsAuditRecorded

audit_line = AuditLines(ContactsAuditRecorded)
