"""The one door: routes, sessions, limits, live updates, the browser app's files."""
