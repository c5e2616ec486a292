"""Lines for the audit log. Pure."""

from chassis.audit import AuditLines
from events.contracts import ContractsAuditRecorded

audit_line = AuditLines(ContractsAuditRecorded)
