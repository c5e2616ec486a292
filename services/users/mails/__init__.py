"""The mails that carry no secret: what is worth one, to whom, its text, and the way to the mail server."""
