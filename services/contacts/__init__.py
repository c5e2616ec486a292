"""Contacts: whom to call at the operator, whom to call at the customer, and whether that is still so."""
