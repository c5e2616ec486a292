"""Customers, users, memberships, the audit log."""
