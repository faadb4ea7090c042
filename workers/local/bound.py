"""Run a command that ends with its parent: `bound.py PARENT COMMAND [ARGUMENT ...]`.

Asks the kernel for SIGTERM when the parent is gone (PR_SET_PDEATHSIG, prctl(2), kept across exec)
and becomes the command. So nothing outlives a supervisor or a test run that was ended by kill -9.
Run as a plain script with `python -I -S`: it imports nothing of ours.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
UNKNOWN = 0


def end_with_parent(signal_number: int) -> None:
    """Have the kernel send this process the signal when the thread that started it ends.

    Raises:
        OSError: the kernel refused.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_PDEATHSIG): {os.strerror(number)}")


def bound(command: list[str], parent: int = UNKNOWN) -> list[str]:
    """The command line that runs `command` bound to its parent.

    Args:
        command: what to run.
        parent: pid of who will start it; if that is gone already, it is not started. UNKNOWN: the
            caller is not who starts it; then only init is known not to be the parent.
    """
    return [sys.executable, "-I", "-S", __file__, str(parent), *command]


def main() -> None:
    """Bind, make sure the parent still lives, become the command."""
    wanted, command = int(sys.argv[1]), sys.argv[2:]
    end_with_parent(signal.SIGTERM)
    parent = os.getppid()
    if parent != wanted and (wanted != UNKNOWN or parent == 1):
        sys.exit(f"{command[0]}: not started, its parent is gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
