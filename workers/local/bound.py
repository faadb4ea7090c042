"""Run a command that ends with its parent: `bound.py COMMAND [ARGUMENT ...]`.

Asks the kernel for SIGTERM when the parent is gone (PR_SET_PDEATHSIG, prctl(2), kept across exec)
and becomes the command. So nothing outlives a supervisor or a test run that was ended by kill -9.
Run as a plain script with `python -I -S`: it imports nothing of ours.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def end_with_parent(signal_number: int) -> None:
    """Have the kernel send this process the signal when the thread that started it ends.

    Raises:
        OSError: the kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")


def bound(command: list[str]) -> list[str]:
    """The command line that runs `command` bound to its parent."""
    return [sys.executable, "-I", "-S", __file__, *command]


if __name__ == "__main__":
    parent = os.getppid()
    end_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(f"{sys.argv[1]}: not started, the parent {parent} is gone")
    os.execvp(sys.argv[1], sys.argv[1:])
