"""Technical metrics of `auth`, beside those that every process has."""

from prometheus_client import Counter

SIGN_INS = Counter("sign_ins_total", "Steps of a sign-in by outcome", ["step", "result"])
"""`password` is only ever refused here: the right one opens the next step; `second_factor` done is a sign-in."""
