"""Where counters, slots and rollups are kept; the only rooms that write SQL by hand, because samples are many."""
