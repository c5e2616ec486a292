"""Alembic runs this file; `chassis.migrations.migrate` hands it the open connection."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
