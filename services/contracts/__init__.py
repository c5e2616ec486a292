"""Contracts: what is agreed, until when, and by when notice must be given."""
