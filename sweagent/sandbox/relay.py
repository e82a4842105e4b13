"""Relay a port inside a sandbox to a socket file.

It is run there as a script, by any Python from 3.6: `relay.py SOCKET PORT`, or `relay.py SOCKET 0 COMMAND…`,
which runs the command with the proxy's variables and ends with it. It imports nothing of this project.
"""

import os
import socket
import subprocess
import sys
import threading


def main(place: str, port: str, *command: str) -> int:
    """Relay for ever, or while a command runs; returns the command's status."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(port)))
    listener.listen(256)
    if not command:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        accept(listener, place)
    thread = threading.Thread(target=accept, args=(listener, place))
    thread.daemon = True
    thread.start()
    proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
    variables = dict(os.environ, http_proxy=proxy, https_proxy=proxy)
    return subprocess.call(command, env=variables)


def accept(listener: socket.socket, place: str) -> None:
    """Serve each connection in two threads."""
    while True:
        near = listener.accept()[0]
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(place)
        except OSError:
            near.close()
            continue
        for one, other in ((near, far), (far, near)):
            thread = threading.Thread(target=pump, args=(one, other))
            thread.daemon = True
            thread.start()


def pump(one: socket.socket, other: socket.socket) -> None:
    """Pass on what one says until it has ended."""
    try:
        while True:
            data = one.recv(65536)
            if not data:
                break
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (one, other):
            end.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
