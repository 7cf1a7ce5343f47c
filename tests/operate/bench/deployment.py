"""What `vendor bench` is pointed at: gateways, what stands before them, and what is none."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.support.gateways import Api
from vendor.dev.gateway import Gateway, start_gateway
from vendor.dev.ports import Reservation
from vendor.dev.stack import Stack


def live(calls: Api) -> set[str]:
    return {lease["id"] for lease in calls.call("GET", "/v1/leases?state=live&limit=500").json()["leases"]}


@contextmanager
def limited(stack: Stack, burst: int) -> Iterator[Gateway]:
    """A second gateway, where one identity may ask for so many leases at once."""
    with Reservation(1) as reserved:
        port = reserved.ports[0]
    settings = {**stack.gateway.settings, "VENDOR_PORT": str(port), "VENDOR_PUBLIC_URL": stack.gateway.url}
    settings |= {"VENDOR_LIMIT_VEND_BURST": str(burst), "VENDOR_LIMIT_VEND_PER_SECOND": "1"}
    gateway = start_gateway(stack.folder, stack.children, port=port, settings=settings, name=f"bench-{burst}")
    try:
        gateway.wait_until_ready()
        yield gateway
    finally:
        gateway.child.stop()


@contextmanager
def answering(content: bytes, kind: str, status: int = 201) -> Iterator[str]:
    """A server that answers everything in the same way."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@asynccontextmanager
async def tls_before(url: str, certificate: str) -> AsyncIterator[str]:
    """What ends TLS before a gateway."""
    host, _, port = url.removeprefix("http://").partition(":")
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate)

    async def copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            sink.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, before = await asyncio.open_connection(host, int(port))
        await asyncio.gather(copied(reader, before), copied(behind, writer))

    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=secure) as server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
