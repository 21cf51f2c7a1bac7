"""What a scan worker takes from itself before it sees a byte of anybody's: and a self-test of what held.

In this order: resource limits, no new privileges, user and network namespaces where allowed, Landlock (nothing but
reading below the named folders), seccomp (no socket, process, trace, signal, ring). Linux on x86-64 and aarch64;
elsewhere only the resource limits hold, and the state says so.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

MB = 1 << 20
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_DUMPABLE, PR_SET_PDEATHSIG = 38, 22, 4, 1
CLONE_NEWUSER, CLONE_NEWNET, CLONE_THREAD = 0x10000000, 0x40000000, 0x00010000
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
READ = 1 << 2 | 1 << 3
"""LANDLOCK_ACCESS_FS_READ_FILE and READ_DIR."""
_FS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Rights to files that each ABI of Landlock knows (linux/landlock.h), as a number of bits; the last for all later."""
_NET_FROM, _SCOPE_FROM = 4, 6

_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_CALLS = {
    "x86_64": {"socket": 41, "socketpair": 53, "connect": 42, "bind": 49, "listen": 50, "accept": 43, "accept4": 288,
               "fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "ptrace": 101, "process_vm_readv": 310,
               "process_vm_writev": 311, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
               "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297,
               "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "mount": 165, "umount2": 166,
               "unshare": 272, "setns": 308, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "keyctl": 250,
               "add_key": 248, "request_key": 249, "chroot": 161, "pivot_root": 155, "open_by_handle_at": 304},
    "aarch64": {"socket": 198, "socketpair": 199, "connect": 203, "bind": 200, "listen": 201, "accept": 202,
                "accept4": 242, "execve": 221, "execveat": 281, "ptrace": 117, "process_vm_readv": 270,
                "process_vm_writev": 271, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
                "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
                "pidfd_open": 434, "pidfd_getfd": 438, "pidfd_send_signal": 424, "mount": 40, "umount2": 39,
                "unshare": 97, "setns": 268, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "keyctl": 219,
                "add_key": 217, "request_key": 218, "chroot": 51, "pivot_root": 41, "open_by_handle_at": 265},
}  # fmt: skip
_CLONE, _CLONE3 = {"x86_64": 56, "aarch64": 220}, 435
_X32 = 0x40000000
_ALLOW, _DENY, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
LAYERS = ("limits", "privileges", "namespaces", "landlock", "seccomp")
REQUIRED = ("landlock", "seccomp")
"""Without these two a worker that is taken over can read and send what it likes."""


def limit(memory: int, spool: int) -> None:
    """Address space and largest file in bytes; no core, few files. CPU seconds are given with each job."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (spool, spool))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def shut(readable: Iterable[Path]) -> dict[str, bool]:
    """Give up everything that can be given up; which layers hold. There is no way back."""
    state = dict.fromkeys(LAYERS, False)
    state["limits"] = True
    if sys.platform != "linux":
        return state
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    state["privileges"] = libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    state["namespaces"] = libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
    state["landlock"] = _landlock(libc, readable)
    state["seccomp"] = _seccomp(libc)
    return state


def trimmer() -> Callable[[], object]:
    """Gives freed memory back to the system, where the C library can (glibc)."""
    if sys.platform != "linux":
        return lambda: None
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return (lambda: None) if trim is None else (lambda: trim(0))


def die_with_parent() -> None:
    """The process ends when the thread that started it does (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _landlock(libc: Any, readable: Iterable[Path]) -> bool:
    abi = libc.syscall(LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    rights = (1 << _FS.get(abi, _FS[max(_FS)])) - 1
    words = [rights]
    if abi >= _NET_FROM:
        words.append(3)  # bind and connect by TCP
    if abi >= _SCOPE_FROM:
        words.append(3)  # abstract sockets and signals outside
    attributes = struct.pack(f"={len(words)}Q", *words)
    ruleset = libc.syscall(LANDLOCK_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for folder in readable:
            if not folder.is_dir():
                continue
            fd = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", READ, fd)
            failed = libc.syscall(LANDLOCK_ADD, ruleset, 1, rule, 0)
            os.close(fd)
            if failed:
                return False
        return bool(libc.syscall(LANDLOCK_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _seccomp(libc: Any) -> bool:
    machine = platform.machine()
    if machine not in _ARCH:
        return False
    program = b"".join(_filter(machine))
    count = len(program) // 8
    code = ctypes.create_string_buffer(program, len(program))
    shape = struct.pack("@HP", count, ctypes.addressof(code))
    return bool(libc.prctl(PR_SET_SECCOMP, 2, shape, 0, 0) == 0)


def _filter(machine: str) -> Iterable[bytes]:
    """A BPF program (linux/filter.h): load a word of seccomp_data, compare, jump, return."""

    def load(at: int) -> bytes:
        return struct.pack("=HBBI", 0x20, 0, 0, at)

    def jump(code: int, value: int, yes: int, no: int) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    def give(what: int) -> bytes:
        return struct.pack("=HBBI", 0x06, 0, 0, what)

    equal, at_least, some = 0x15, 0x35, 0x45
    yield load(4)
    yield jump(equal, _ARCH[machine], 1, 0)
    yield give(_KILL)
    yield load(0)
    yield jump(at_least, _X32, 0, 1)
    yield give(_KILL)
    for number in _CALLS[machine].values():
        yield jump(equal, number, 0, 1)
        yield give(_DENY | errno.EPERM)
    yield jump(equal, _CLONE3, 0, 1)
    yield give(_DENY | errno.ENOSYS)  # libraries fall back to clone, whose flags can be read
    yield jump(equal, _CLONE[machine], 0, 3)
    yield load(16)
    yield jump(some, CLONE_THREAD, 1, 0)
    yield give(_DENY | errno.EPERM)
    yield give(_ALLOW)


def self_test(forbidden: Path) -> dict[str, bool]:
    """What a worker tries from inside, and whether it was stopped: True is good. ``forbidden`` is a file outside."""

    def stopped(act: Callable[[], object]) -> bool:
        try:
            act()
        except (OSError, PermissionError):
            return True
        return False

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    def send(kind: socket.SocketKind) -> None:
        with socket.socket(socket.AF_INET, kind) as s:
            s.settimeout(0.2)
            s.connect(("127.0.0.1", 9))

    return {
        "open": stopped(forbidden.read_bytes),
        "write": stopped(lambda: forbidden.with_name(f"{forbidden.name}.made").write_bytes(b"x")),
        "tcp": _no_socket(lambda: send(socket.SOCK_STREAM)),
        "udp": _no_socket(lambda: send(socket.SOCK_DGRAM)),
        "fork": stopped(fork),
        "exec": stopped(lambda: os.execv(sys.executable, [sys.executable, "-c", "raise SystemExit(77)"])),  # noqa: S606
        "signal": stopped(lambda: os.kill(os.getppid(), 0)),
    }


def _no_socket(act: Callable[[], object]) -> bool:
    """Whether a connection was refused here and not at the other end, which refuses it with another error."""
    try:
        act()
    except PermissionError:
        return True
    except OSError as e:
        return e.errno == errno.ENETUNREACH
    return False
