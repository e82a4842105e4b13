"""What a sandbox's programs may not ask of the kernel, however they ask."""

import platform

import pytest

from sweagent.config import SandboxSettings
from sweagent.sandbox import open_sandbox, probe

PROGRAM = r"""
import ctypes, mmap, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.argtypes = [ctypes.c_long] * 4
print("vsock", libc.syscall(41, 40, 1, 0))
print("vsock by its low half", libc.syscall(41, (1 << 32) + 40, 1, 0))
print("alg", libc.syscall(41, 38, 5, 0))
print("x32", libc.syscall(0x40000000 + 41, 40, 1, 0))
print("keys", libc.syscall(250, 0, -3, 0))
print("io_uring", libc.syscall(425, 1, 0, 0))

# The same by the 32-bit interrupt: code that loads eax and the arguments, and the arguments in low memory.
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes.fromhex("53 89f8 89f3 89d1 31d2 cd80 5b c3"))
call32 = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint)(
    ctypes.addressof(ctypes.c_char.from_buffer(code)))
libc.mmap.restype, libc.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p] + [ctypes.c_long] * 5
low = libc.mmap(0, 4096, 3, 0x22 | 0x40, -1, 0)
ctypes.memmove(low, struct.pack("III", 40, 1, 0), 12)
print("socketcall", call32(102, 1, low))
print("32-bit socket", call32(359, 40, 1))

for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK):
    try:
        socket.socket(family, socket.SOCK_RAW if family == socket.AF_NETLINK else socket.SOCK_STREAM).close()
    except OSError as error:
        print("usual", family, error)
print("end")
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of x86-64")
@pytest.mark.parametrize("kind", [pytest.param("docker", marks=pytest.mark.docker), "bubblewrap"])
def test_no_socket_leads_past_the_namespaces(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "bubblewrap" and not probe(kind).works:
        pytest.skip(probe(kind).problem)
    image = request.getfixturevalue("offline_image") if kind == "docker" else None
    with open_sandbox(SandboxSettings(kind=kind, image=image), run_id="hostile") as sandbox:  # type: ignore[arg-type]
        sandbox.write("calls.py", PROGRAM.encode())
        done = sandbox.run("python3 calls.py")
    *told, end = [line.rsplit(" ", 1) for line in done.output.splitlines()]
    assert end == ["end"], done.output
    assert len(told) == 8
    assert all(int(answer) < 0 for _, answer in told), done.output
