"""Uploads by tus 1.0.0: what was declared, one writer at a time, bytes appended at the offset, and the end."""
