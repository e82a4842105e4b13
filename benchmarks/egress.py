"""What the way out of a sandbox costs: requests and bytes through the proxy, beside the same without it.

python benchmarks/egress.py
"""

import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median

import httpx

from sweagent.sandbox.egress import AllowList, Proxy

BODY = b"x" * (20 << 20)
ROUNDS = 7
PASSWORD = "benchmark"


class _Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = BODY if self.path == "/large" else b"small"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep silent."""


def seconds(call: Callable[[], object]) -> float:
    """The median of several calls, after one to warm up."""
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def main() -> None:
    """Run the benchmark."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    proxy = Proxy("127.0.0.1", AllowList([f"127.0.0.1:{port}"]), PASSWORD)
    way = f"http://sandbox:{PASSWORD}@127.0.0.1:{proxy.port}"
    for name, path in (("a small request", "/small"), (f"{len(BODY) >> 20} MB", "/large")):
        address = f"http://127.0.0.1:{port}{path}"
        direct = seconds(partial(httpx.get, address, trust_env=False))
        through = seconds(partial(httpx.get, address, proxy=way, trust_env=False))
        print(
            f"{name:<18} direct {direct * 1e3:7.1f} ms   through {through * 1e3:7.1f} ms   {through / direct:.2f} times"
        )
    proxy.close()
    server.shutdown()


if __name__ == "__main__":
    main()
