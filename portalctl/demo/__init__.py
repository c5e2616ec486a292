"""What a fresh installation shows: operator, six customers, their people, nine years of invoices. All fictitious."""
