"""One file for each command: `arguments` declares what it takes, `run` does it."""
