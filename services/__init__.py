"""The business services, each independent of the others."""
