"""The mails that carry a secret link, or tell of the second factor: their texts, and the way to the mail server."""
