"""The generated supervisord.conf, and where its socket is.

Every program is started by hand, stage by stage, and kept alive from then on: restarted at once
when it ends, after 1, 2, 3 ... s when it does not live through its first second.
"""

import hashlib
import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from config.settings import ROOT
from workers.local.programs import Program

SOCKET_PATH_LIMIT = 96
"""A unix socket's path has 107 bytes (unix(7)); supervisord binds `<path>.<pid>` first."""

_RETRIES = 1_000_000
"""A program is never given up: what it waits for may come back."""


def socket_path(data_dir: Path) -> Path:
    """Where supervisord listens: in the run directory, or in /tmp where that path is too long."""
    path = data_dir / "run" / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"marketprism-{os.getuid()}-{digest}.sock"


def supervisor_conf(data_dir: Path, programs: Sequence[Program]) -> str:
    """The text of supervisord.conf.

    Args:
        data_dir: absolute, and supervisord's working directory: the paths of run files and logs
            are relative to it, because supervisord expands `%` in some values twice.
        programs: in the order they start; supervisord alone would stop them in reverse.
    """
    sections = [
        _section("unix_http_server", file=_value(socket_path(data_dir)), chmod="0600"),
        _section(
            "supervisord",
            nodaemon="true",
            silent="true",
            identifier="marketprism",
            pidfile="run/supervisord.pid",
            logfile="log/supervisord.log",
            logfile_maxbytes="5MB",
            logfile_backups="1",
            childlogdir="log",
            nocleanup="true",
        ),
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
    ]
    for priority, program in enumerate(programs, start=1):
        sections.append(
            _section(
                f"program:{program.name}",
                command=_value(shlex.join(program.command)),
                directory=_value(ROOT),
                priority=str(priority),
                autostart="false",
                autorestart="true",
                startsecs=str(program.start_s),
                startretries=str(_RETRIES),
                stopsignal="TERM",
                stopwaitsecs=f"{program.stop_wait_s:.0f}",
                killasgroup="true",
                redirect_stderr="true",
                stdout_logfile=f"log/{program.name}.log",
                stdout_logfile_maxbytes="20MB",
                stdout_logfile_backups="2",
            )
        )
    return "\n".join(sections)


def _section(name: str, **values: str) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


def _value(value: object) -> str:
    """A percent sign starts an expansion, so it is doubled."""
    return str(value).replace("%", "%%")
