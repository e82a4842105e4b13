# Send a text to the interpreter beside it and print what comes back; interrupt it when its time is over.
import os
import signal
import socket
import sys
import time

FOLDER = ""
SECONDS = 0.0
GRACE = 3.0


def connected():
    end = time.time() + 20
    while True:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            channel.connect("socket")
            return channel
        except OSError:
            channel.close()
            if time.time() > end:
                raise
            time.sleep(0.05)


def copy(channel, until):
    """Print what comes; whether that was all of it."""
    while True:
        left = until - time.time()
        if left <= 0:
            return False
        channel.settimeout(left)
        try:
            part = channel.recv(65536)
        except socket.timeout:
            return False
        if not part:
            return True
        os.write(1, part)


def say(text):
    os.write(1, (text + "\n").encode())


def signalled(number):
    with open("pid") as file:
        os.kill(int(file.read()), number)


os.chdir(FOLDER)
ended = "ended"
if os.path.exists(ended):
    os.remove(ended)
channel = connected()
with open("cell", "rb") as file:
    channel.sendall(file.read())
channel.shutdown(socket.SHUT_WR)
if not copy(channel, time.time() + SECONDS):
    say("\n[interrupted after {:g} s]".format(SECONDS))
    signalled(signal.SIGINT)
    if not copy(channel, time.time() + GRACE):
        signalled(signal.SIGKILL)
        say("[it did not stop and was ended; its state is lost]")
        sys.exit(124)
    sys.exit(124)
if not os.path.exists(ended):
    say("[the interpreter ended; its state is lost]")
    sys.exit(125)
with open(ended, "rb") as file:
    sys.exit(int(file.read()))
