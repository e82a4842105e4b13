"""List the system calls of a sandbox, for engines and for bubblewrap."""

import errno
import json
import platform
import struct
from functools import cache
from importlib.resources import files
from typing import Any

_FAMILIES = {"unspecified": 0, "unix": 1, "inet": 2, "inet6": 10, "netlink": 16, "packet": 17}
"""Of sockets. Not among them: VSOCK, which no namespace bounds and which reaches hypervisors and virtual machines, and
ALG, an interface to the kernel's ciphers."""

_NAMESPACES = 0x7E020000
"""The flags of `clone` that make namespaces."""

_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
_LOW = 0xFFFFFFFF
"""The kernel takes the low half of an argument that is an `int`; so must a rule, or the high half gets around it."""

_ARCHITECTURES = {
    "X86_64": ("X86", "X32"),
    "AARCH64": ("ARM",),
    "MIPS64": ("MIPS", "MIPS64N32"),
    "MIPSEL64": ("MIPSEL", "MIPSEL64N32"),
    "PPC64LE": (),
    "RISCV64": (),
    "S390X": ("S390",),
}
_S390 = {"arches": ["s390", "s390x"]}

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_LOAD, _AND, _EQUAL, _RETURN = 0x20, 0x54, 0x15, 0x06
_NUMBER, _ARCHITECTURE, _FIRST = 0, 4, 16
_X86_64 = {"arch": 0xC000003E, "socket": 41, "denied": (248, 249, 250, 425, 426, 427)}
_AARCH64 = {"arch": 0xC00000B7, "socket": 198, "denied": (217, 218, 219, 425, 426, 427)}
_I386 = {"arch": 0x40000003, "socket": 359, "denied": (102, 286, 287, 288, 425, 426, 427)}
_ARM = {"arch": 0x40000028, "socket": 281, "denied": (309, 310, 311, 425, 426, 427)}
_BY_MACHINE: dict[str, tuple[dict[str, Any], ...]] = {"x86_64": (_X86_64, _I386), "aarch64": (_AARCH64, _ARM)}
_X32 = 0x40000000


@cache
def engine_profile() -> str:
    """The profile for an engine, in the form of Docker's `--security-opt seccomp=`.

    Engines have one of their own. It differs from version to version and from packager to packager: some of them let
    VSOCK sockets be made, and most let the 32-bit `socketcall` make them.
    """
    text = files("sweagent.sandbox").joinpath("syscalls.txt").read_text("utf-8")
    names = [word for line in text.splitlines() if not line.startswith("#") for word in line.split()]
    rules = [_rule(names)]
    rules += [_rule(["socket"], _masked(0, _LOW, family)) for family in _FAMILIES.values()]
    rules += [_rule(["personality"], _masked(0, _LOW, value)) for value in _PERSONALITIES]
    rules += [_rule(["clone"], _masked(0, _NAMESPACES, 0)) | {"excludes": _S390}]
    rules += [_rule(["clone"], _masked(1, _NAMESPACES, 0)) | {"includes": _S390}]
    # Their arguments lie behind a pointer, where no filter sees them; C libraries go on with `clone` and `socket`.
    unseen = {"names": ["clone3", "socketcall"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [
            {"architecture": f"SCMP_ARCH_{name}", "subArchitectures": [f"SCMP_ARCH_{sub}" for sub in subs]}
            for name, subs in _ARCHITECTURES.items()
        ],
        "syscalls": [*rules, unseen],
    }
    return json.dumps(profile)


@cache
def bubblewrap_filter() -> bytes:
    """A filter for bubblewrap's `--seccomp`: the same families of sockets, no `socketcall`, no keys, no io_uring.

    Namespaces do the rest there. Empty on a machine whose numbers are not known here.
    """
    known = _BY_MACHINE.get(platform.machine(), ())
    parts = [_of_architecture(numbers) for numbers in known]
    return b"".join([*parts, _step(_RETURN, value=_ERRNO | errno.ENOSYS)]) if known else b""


def _of_architecture(numbers: dict[str, Any]) -> bytes:
    """Steps that are passed over for calls of another architecture, and never left at their end for this one's."""
    families = b"".join(
        _step(_EQUAL, value=family, no=1) + _step(_RETURN, value=_ALLOW) for family in _FAMILIES.values()
    )
    body = _step(_LOAD, value=_NUMBER)
    body += _step(_AND, value=_X32) + _step(_EQUAL, value=0, yes=1) + _step(_RETURN, value=_ERRNO | errno.ENOSYS)
    body += _step(_LOAD, value=_NUMBER)
    for number in numbers["denied"]:
        body += _step(_EQUAL, value=number, no=1) + _step(_RETURN, value=_ERRNO | errno.ENOSYS)
    body += _step(_EQUAL, value=numbers["socket"], yes=1) + _step(_RETURN, value=_ALLOW)
    body += _step(_LOAD, value=_FIRST) + families + _step(_RETURN, value=_ERRNO | errno.EAFNOSUPPORT)
    return _step(_LOAD, value=_ARCHITECTURE) + _step(_EQUAL, value=numbers["arch"], no=len(body) // 8) + body


def _step(code: int, *, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _rule(names: list[str], *arguments: dict[str, Any]) -> dict[str, Any]:
    return {"names": names, "action": "SCMP_ACT_ALLOW", "args": list(arguments)}


def _masked(index: int, mask: int, value: int) -> dict[str, Any]:
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}
