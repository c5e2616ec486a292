"""From the feed into the tables: what becomes of a record, deadlines, reminders, calendar addresses."""
