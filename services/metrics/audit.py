"""Lines for the audit log. Pure."""

from chassis.audit import AuditLines
from events.metrics import MetricsAuditRecorded

audit_line = AuditLines(MetricsAuditRecorded)
