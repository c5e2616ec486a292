"""nginx, the anchor: a trivially fast upstream, a proxy with no check or asking for each request, a folder of files."""

from pathlib import Path

BODY = b'{"items": [%b], "next_cursor": null}' % b", ".join(b'{"id": "%024d"}' % number for number in range(27))

_FRAME = """daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log {folder}/{name}.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/{name}-body;
  proxy_temp_path {folder}/{name}-proxy;
  fastcgi_temp_path {folder}/{name}-fastcgi;
  uwsgi_temp_path {folder}/{name}-uwsgi;
  scgi_temp_path {folder}/{name}-scgi;
  keepalive_timeout 75;
  keepalive_requests 100000000;
{servers}}}
"""


def upstream(folder: Path, port: int, files: dict[str, int]) -> Path:
    """Answers 1 kB of JSON, whatever is asked; to a path that ends in the name of a file, so many bytes."""
    folder.chmod(0o755)  # a worker of root's nginx is nobody
    for name, size in files.items():
        (folder / name).write_bytes(b"%PDF" * (size // 4))
    found = "".join(f"    location ~ /{name}$ {{ alias {folder / name}; sendfile on; }}\n" for name in files)
    server = f"""  server {{
    listen 127.0.0.1:{port} backlog=1024;
    default_type application/json;
{found}\
    location / {{ return 200 '{BODY.decode()}'; }}
  }}
"""
    return written(folder, "upstream", server)


def proxies(folder: Path, *, upstream_port: int, check_port: int, open_port: int, checking_port: int) -> Path:
    """One worker with both: ``open_port`` asks nobody, ``checking_port`` asks the session check each time."""
    passing = """      proxy_pass http://answers;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffers 8 64k;
      proxy_max_temp_file_size 0;
"""
    servers = f"""  upstream answers {{
    server 127.0.0.1:{upstream_port};
    keepalive 64;
    keepalive_requests 100000000;
  }}
  upstream sessions {{
    server 127.0.0.1:{check_port};
    keepalive 64;
    keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{open_port} backlog=1024;
    location / {{
{passing}    }}
  }}
  server {{
    listen 127.0.0.1:{checking_port} backlog=1024;
    location / {{
      auth_request /session-check;
      auth_request_set $identity $upstream_http_x_identity;
      proxy_set_header X-Identity $identity;
{passing}    }}
    location = /session-check {{
      internal;
      proxy_pass http://sessions;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
      proxy_pass_request_body off;
    }}
  }}
"""
    return written(folder, "proxies", servers)


def files(folder: Path, *, port: int, root: Path) -> Path:
    """Hands out what lies in a folder, and puts there what it is given."""
    server = f"""  server {{
    listen 127.0.0.1:{port} backlog=1024;
    root {root};
    sendfile on;
    client_max_body_size 0;
    location / {{ dav_methods PUT; }}
  }}
"""
    return written(folder, "files", server)


def written(folder: Path, name: str, servers: str) -> Path:
    """A configuration of one worker with these servers."""
    path = folder / f"{name}.conf"
    path.write_text(_FRAME.format(folder=folder, name=name, servers=servers))
    return path
