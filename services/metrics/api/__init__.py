"""All endpoints of `metrics`; literal paths before those with an id."""
