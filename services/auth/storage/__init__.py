"""What `auth` does in its database: counters, sessions, links, factors; for `api`, `handlers` and `mails`."""
