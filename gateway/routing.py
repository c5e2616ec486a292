"""Which call goes where: an explicit table, literal paths before patterns. What is not in it does not exist."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chassis.errors import MethodNotAllowed, NotFound

PREFIX = "/api/v1"
MIB = 1024 * 1024
JSON = ("application/json",)
FORM = ("application/json", "multipart/form-data")
PROTOBUF = ("application/x-protobuf",)
LINES = ("text/plain",)
CSV = ("text/csv",)
OFFSETS = ("application/offset+octet-stream",)
ANY_SIZE = 1024**5
"""What comes is counted by the service, against what was declared."""

# Nothing is decoded here: a percent sign may only stand for what can never be a separator, a dot or a percent sign.
_SAFE_PATH = re.compile(
    r"(?:/(?!\.\.?(?:/|$))(?:[A-Za-z0-9_~.:@!$&'()*+,=-]|%(?!2[5EeFf]|5[Cc]|[01]|7[Ff])[0-9A-Fa-f]{2}){1,300})+"
)


@dataclass(frozen=True, slots=True)
class Route:
    """One path under ``/api/v1`` with its methods.

    Attributes:
        target: The service's name, or ``gateway`` for what is answered here.
        public: Also for callers who are not, or only half, signed in. The service still checks.
        seconds: Until the answer begins.
        media: Content types of a body.
        flows: Body or answer may take hours, as long as they never stand still.
    """

    methods: str
    path: str
    target: str
    public: bool = False
    body_bytes: int = MIB
    seconds: float = 15
    media: tuple[str, ...] = JSON
    flows: bool = False


@dataclass(frozen=True, slots=True)
class _Pattern:
    fixed: tuple[tuple[int, str], ...]
    endings: tuple[tuple[int, str], ...]
    """What stands behind a parameter, as in ``{id}.vcf``."""
    methods: dict[str, Route]

    def fits(self, segments: Sequence[str]) -> bool:
        ends = all(segments[at].endswith(text) and segments[at] != text for at, text in self.endings)
        return ends and all(segments[at] == text for at, text in self.fixed)


class Table:
    """Finds routes. Built once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._literal: dict[str, dict[str, Route]] = {}
        self._patterns: dict[int, list[_Pattern]] = {}
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            known = by_path.setdefault(route.path, {})
            for method in route.methods.split():
                if method in known:
                    raise ValueError(f"{method} {route.path} is listed twice")
                known[method] = route
        for path, methods in by_path.items():
            if "{" in path:
                segments = path.split("/")
                fixed = tuple((at, text) for at, text in enumerate(segments) if not text.startswith("{"))
                behind = ((at, text.partition("}")[2]) for at, text in enumerate(segments) if text.startswith("{"))
                endings = tuple((at, text) for at, text in behind if text)
                self._patterns.setdefault(len(segments), []).append(_Pattern(fixed, endings, methods))
            else:
                self._literal[path] = methods

    def find(self, method: str, path: str) -> Route:
        """The route of a path as it came, without the query.

        Raises:
            NotFound: no such path, or one that could be read in two ways.
            MethodNotAllowed: the path knows other methods.
        """
        methods = self._literal.get(path) or self._by_pattern(path)
        route = methods.get(method)
        if route is None:
            raise MethodNotAllowed(headers={"Allow": ", ".join(sorted(methods))})
        return route

    def _by_pattern(self, path: str) -> dict[str, Route]:
        if _SAFE_PATH.fullmatch(path):
            segments = path.split("/")
            for pattern in self._patterns.get(len(segments), ()):
                if pattern.fits(segments):
                    return pattern.methods
        raise NotFound
