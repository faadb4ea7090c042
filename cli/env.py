"""`marketprism env`: what lets a plain shell talk to the running stack."""

import shlex
import sys
import sysconfig

from cli import options
from cli.output import plain_errors
from cli.stack_environment import ours
from config.environment import effective_environment
from config.load import CONFIG_VARIABLE, CURRENT_STACK, DEFAULT_FILE, load
from config.settings import ROOT, Settings
from workers.local.presence import running

_LOCATING = (CONFIG_VARIABLE, "MARKETPRISM_DATA_DIR")
"""Enough to find a stack's own description, which has the rest."""


def env_command(config: options.ConfigFile = None) -> None:
    """Print exports for a shell: eval "$(marketprism env)"."""
    with plain_errors():
        settings = load()
        stack = running(settings.data_path)
    if stack is not None:
        variables = stack.environment
    else:
        print(f"marketprism: no stack runs in {settings.data_path}", file=sys.stderr)
        given = {CONFIG_VARIABLE: str(DEFAULT_FILE)} | ours()
        variables = {n: v for n, v in (given | effective_environment()).items() if n in given}
    for name, value in sorted(variables.items()):
        print(f"export {name}={shlex.quote(value)}")
    print(f'export PATH={shlex.quote(sysconfig.get_path("scripts"))}:"$PATH"')


def line_to_paste(settings: Settings, shared: dict[str, str]) -> str:
    """The command that prepares a shell in the checkout for this stack."""
    command = shlex.quote(f"{sysconfig.get_path('scripts')}/marketprism")
    given = ""
    if not settings.data_path.is_relative_to(CURRENT_STACK.parent):
        given = "".join(
            f"{name}={shlex.quote(shared[name])} " for name in _LOCATING if name in shared
        )
    return f'cd {shlex.quote(str(ROOT))} && eval "$({given}{command} env)"'
