"""Python's collector of cycles, told what stays."""

import gc

OBJECTS_PER_ROUND = 20_000
"""How many new objects make it look for garbage; Python's own 700 are less than one large event brings."""


def keep_what_is_loaded() -> None:
    """Before serving: modules and classes live as long as the process, so they are never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_ROUND, 20, 20)
