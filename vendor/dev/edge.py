"""A real nginx with the edge configuration of `deploy/nginx` before a store, as clients would meet it."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vendor.dev.folder import StateFolder, write_private
from vendor.dev.ports import LOOPBACK
from vendor.dev.process import Child, Children, Program
from vendor.dev.programs import MissingProgramError
from vendor.dev.web import client

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx"
"""In a checkout; an installed package has no such folder."""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

_NGINX = """\
daemon off;
master_process off;
pid {place}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 512; }}
http {{
    {temporary}
    include {configuration}/minio-edge-http.conf;
    upstream vendor_store {{ server {store}; keepalive 16; }}
    server {{
        listen {listen};
        include {configuration}/minio-edge-server.conf;
    }}
}}
"""


@dataclass(frozen=True)
class Edge:
    """A running nginx."""

    child: Child
    url: str


def find_nginx() -> str:
    """Return the path of nginx, or raise MissingProgramError."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")  # not all have it on PATH
    if found is None:
        raise MissingProgramError("nginx", "install it (Debian: apt-get install nginx-light)")
    return found


def start_edge(folder: StateFolder, children: Children, store: str, configuration: Path = CONFIGURATION) -> Edge:
    """Start an nginx before the store at this URL."""
    nginx, place = find_nginx(), folder.sub("edge")

    def program(ports: Sequence[int]) -> Program:
        text = _NGINX.format(
            place=place,
            temporary=" ".join(f"{name}_temp_path {place / name};" for name in _TEMPORARY),
            configuration=configuration,
            store=store.removeprefix("http://"),
            listen=f"{LOOPBACK}:{ports[0]}",
        )
        write_private(place / "nginx.conf", text)
        return Program(
            name="edge",
            argv=[nginx, "-e", "stderr", "-p", str(place), "-c", str(place / "nginx.conf")],
            environment=folder.environment(),
            folder=place,
            log=folder.logs / "edge.log",
            ports=ports,
        )

    child = children.serve(1, program, lambda started: _answers(started.program.ports[0]), within=15)
    return Edge(child, f"http://{LOOPBACK}:{child.program.ports[0]}")


def _answers(port: int) -> bool:
    """Say whether it refuses what it is there to refuse."""
    with client(f"http://{LOOPBACK}:{port}") as web:
        return web.get("/minio/admin/v3/info").status_code == 403
