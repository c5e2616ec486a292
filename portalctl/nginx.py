"""nginx in front: it carries the bytes that `/authorize` vouches for, and leaves all else to the gateway."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.authorize import CARRIED
from gateway.headers import API_POLICY, REQUEST_PASSES, security_headers
from gateway.main import ROUTES
from gateway.routing import PREFIX

_NEVER = ("content-length",)
"""Set by nginx itself from what it really sends."""

_HEAD = """\
# Generated from the gateway's routing table by `portalctl nginx`; a test holds it against the code. Never edit it.
# For the http block of nginx, with auth_request (docs/operations/proxy.md). Each call of these services is asked for at
# /authorize; a refused one goes to the gateway, which says why. Everything else is the gateway's.
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything listens, as nginx reaches it: ``host:port``."""

    listen: str = "8081"
    gateway: str = "gateway:8080"
    inner: str = "gateway:8000"
    services: Mapping[str, str] | None = None
    https: bool = True

    def of(self, service: str) -> str:
        """One service."""
        return (self.services or {}).get(service, f"{service}:8000")


def prefixes() -> dict[str, str]:
    """First path segment to service, of those that nginx carries.

    Raises:
        ValueError: a segment belongs to several services.
    """
    found: dict[str, set[str]] = {}
    for route in ROUTES:
        found.setdefault(route.path.split("/")[1], set()).add(route.target)
    wanted = {name: targets for name, targets in found.items() if targets & set(CARRIED)}
    if mixed := [name for name, targets in wanted.items() if len(targets) > 1]:
        raise ValueError(f"several services under {', '.join(mixed)}")
    return {name: next(iter(targets)) for name, targets in sorted(wanted.items())}


def configuration(places: Places | None = None) -> str:
    """Upstreams, maps and one server."""
    where = places or Places()
    upstreams = {"gateway": where.gateway, "gateway_inner": where.inner, **{name: where.of(name) for name in CARRIED}}
    groups = [_upstream(name, address) for name, address in upstreams.items()]
    return "\n".join((_HEAD, *groups, _MAPS, _server(where)))


def _upstream(name: str, address: str) -> str:
    return f"upstream portal_{name} {{\n  server {address};\n  keepalive 64;\n  keepalive_requests 1000000;\n}}"


_MAPS = f"""
# the call as it came, without the prefix: the same bytes that were asked for
map $request_uri $portal_uri {{
  "~^{PREFIX}(?<portal_rest>/.*)$" $portal_rest;
}}
# headers that a client says end at this hop: the gateway drops them
map $http_connection $portal_connection {{
  "~*^(close|keep-alive)$" "";
  default $http_connection;
}}
# HTTP/2 and 3 need not say how long a body is: then it is of unknown length
map "$server_protocol $request_method $content_length" $portal_coding {{
  "~^HTTP/[23][.0-9]* (?!GET |HEAD )[^ ]+ $" "chunked";
  default $http_transfer_encoding;
}}
# what a service does not say of itself
map $upstream_http_cache_control $portal_cache_control {{
  "" "no-store";
  default $upstream_http_cache_control;
}}
map $upstream_http_content_security_policy $portal_policy {{
  "" "{API_POLICY.decode()}";
  default $upstream_http_content_security_policy;
}}
map $http_accept_language $portal_unavailable {{
  "~*^en" "This part of the portal does not answer at the moment.";
  default "Dieser Teil des Portals antwortet gerade nicht.";
}}
"""


_FRAME = """server {{
  listen {listen};
  server_tokens off;
  merge_slashes off;
  client_max_body_size 0;
  client_body_timeout 30s;
  send_timeout 30s;
  proxy_http_version 1.1;
  proxy_next_upstream off;
  proxy_request_buffering off;
  proxy_connect_timeout 2s;
  proxy_read_timeout 120s;
  error_page 405 = @portal_gateway;

  location / {{
    proxy_pass http://portal_gateway;
{to_gateway}
  }}
  location @portal_gateway {{
    proxy_pass http://portal_gateway;
{to_gateway}
  }}
  location = /portal-authorize {{
    internal;
    proxy_pass http://portal_gateway_inner/authorize;
    proxy_pass_request_body off;
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_set_header X-Original-Method $request_method;
    proxy_set_header X-Original-URI $request_uri;
    proxy_set_header X-Original-Length $content_length;
    proxy_set_header X-Original-Coding $portal_coding;
    proxy_set_header X-Original-Connection $http_connection;
    proxy_set_header X-Forwarded-Method "";
    proxy_set_header X-Forwarded-Uri "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_read_timeout 10s;
  }}
  location @portal_unavailable {{
    internal;
    default_type application/problem+json;
{always}
    add_header Retry-After 2 always;
    add_header X-Request-Id $request_id always;
    add_header Content-Security-Policy "{policy}" always;
    add_header Cache-Control no-store always;
    return 503 '{problem}';
  }}
{locations}}}
"""
_PROBLEM = (
    '{"type": "about:blank", "title": "$portal_unavailable", "status": 503, "code": "unavailable", '
    '"request_id": "$request_id", "detail": null, "errors": null}'
)
_LOCATION = """  location ^~ {prefix} {{
    auth_request /portal-authorize;
    auth_request_set $portal_identity $upstream_http_x_identity;
    auth_request_set $portal_request_id $upstream_http_x_request_id;
    error_page 401 403 = @portal_gateway;
    error_page 500 502 504 = @portal_unavailable;
    proxy_pass http://portal_{service}$portal_uri;
    proxy_buffers 8 64k;
    proxy_max_temp_file_size 0;
    proxy_pass_request_headers off;
    proxy_set_header Connection "";
    proxy_set_header X-Identity $portal_identity;
    proxy_set_header X-Request-Id $portal_request_id;
{passing}
    proxy_hide_header Cache-Control;
    proxy_hide_header Content-Security-Policy;
    proxy_hide_header Set-Cookie;
    proxy_hide_header X-Request-Id;
    proxy_hide_header X-Identity;
    proxy_hide_header X-Powered-By;
{always}
    add_header X-Request-Id $portal_request_id always;
    add_header Cache-Control $portal_cache_control always;
    add_header Content-Security-Policy $portal_policy always;
  }}
"""
_TO_GATEWAY = """    proxy_set_header Connection $portal_connection;
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_buffering off;"""


def _server(where: Places) -> str:
    headers = security_headers(https=where.https)
    always = "\n".join(f'    add_header {name.decode()} "{value.decode()}" always;' for name, value in headers)
    names = sorted(name.decode() for name in REQUEST_PASSES if name.decode() not in _NEVER)
    passing = "\n".join(f"    proxy_set_header {name} $http_{name.replace('-', '_')};" for name in names)
    locations = "".join(
        _LOCATION.format(prefix=f"{PREFIX}/{prefix}", service=service, passing=passing, always=always)
        for prefix, service in prefixes().items()
    )
    return _FRAME.format(
        listen=where.listen,
        to_gateway=_TO_GATEWAY,
        always=always,
        policy=API_POLICY.decode(),
        problem=_PROBLEM,
        locations=locations,
    )
