"""Invoices and accompanying documents."""
