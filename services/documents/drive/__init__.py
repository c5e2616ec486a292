"""The exchange drive: names, sizes, trash, arrival and check of files. Rules: docs/rules/exchange.md."""
