"""Become another program that ends when its parent does; run as a file, standard library only."""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION = 0x20080522


def become(user: int, group: int) -> None:
    """Drop root, but keep its way through folders that are closed to others (Linux)."""
    libc = _libc() if sys.platform == "linux" else None
    if libc:
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if libc:
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
        bit = 1 << CAP_DAC_OVERRIDE
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        if libc.capset(header, sets) == 0:  # refused where root itself has no such right
            libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def end_with(parent: int, signal: int) -> None:
    """Ask the kernel for the signal when the parent ends, however it ends (Linux)."""
    if sys.platform == "linux":
        _libc().prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        sys.exit(1)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


if __name__ == "__main__":
    parent, signal, user, group = map(int, sys.argv[1:5])
    if user >= 0:
        become(user, group)
    end_with(parent, signal)
    os.execvp(sys.argv[5], sys.argv[5:])  # noqa: S606 - the words of our own parent
