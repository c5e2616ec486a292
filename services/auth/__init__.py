"""Credentials, second factors, sessions."""
