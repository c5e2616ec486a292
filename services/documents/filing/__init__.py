"""How a feed record becomes a document: its files first, then its rows; and what tidies up behind it."""
