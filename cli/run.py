"""`marketprism run TASK --parameter value ...`: one run of a task, now."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich import box
from rich.table import Table

from cli.options import AsJson, ConfigFile
from cli.output import console, plain_errors, print_json
from config.load import load
from config.settings import Settings
from workers.model.errors import MarketPrismError, StoreError

FIRST_NAP_S, LONGEST_NAP_S = 0.01, 0.1
HINT_S = 3.0
"""A task nobody took by then makes a person wonder."""

TaskName = Annotated[
    str | None, typer.Argument(metavar="[TASK]", help="Without it: all tasks and what they take.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the result and show it.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, send nothing.")]


def run_command(
    context: typer.Context,
    task: TaskName = None,
    wait: Wait = False,
    timeout: Timeout = 120.0,
    dry_run: DryRun = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a task once; its parameters are options: --exchange deribit --symbol BTC-USD-PERP.

    Exit code 0 if it was sent, with --wait if it succeeded.
    """
    with plain_errors(as_json=as_json):
        settings = load()
        from cli import sending
        from cli.broker import broker_errors

        if task is None:
            _list(settings, as_json=as_json)
            return
        name = sending.task_named(task)
        kwargs = sending.typed(name, options(context.args), settings)
        sending.check_one(settings, name, kwargs)
        if dry_run:
            _say({"task": name, "arguments": kwargs, "state": "NOT SENT"}, as_json=as_json)
            return
        with broker_errors(settings.redis):
            sent = sending.send(name, kwargs)
        facts = {"task_id": sent.id, "task": name, "arguments": kwargs, "state": "SENT"}
        if not wait:
            _say(facts, as_json=as_json)
            return
        runs = _follow(settings, sent.id, name, timeout)
        facts |= runs.pop(name)
        if runs:
            facts["handed_on"] = runs
        if as_json:
            print_json(facts)
        else:
            _show(facts)
            for collector, run in runs.items():
                print(f"{collector}:")
                _show(run)
        raise typer.Exit(
            0 if all(each["state"] == "SUCCESS" for each in (facts, *runs.values())) else 1
        )


def options(words: Sequence[str]) -> dict[str, str]:
    """`--key value`, `--key=value` and `--flag` as a mapping.

    Raises:
        MarketPrismError: a word that belongs to no option, or an option twice.
    """
    found: dict[str, str] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--") or word == "--":
            raise MarketPrismError(f"{word!r} belongs to no parameter; write --name {word}")
        key, equals, value = word[2:].partition("=")
        if not equals:
            value = left.pop(0) if left and not left[0].startswith("--") else "true"
        if key in found:
            raise MarketPrismError(f"--{key} is there twice")
        found[key] = value
    return found


def _list(settings: Settings, *, as_json: bool) -> None:
    """All tasks with their parameters."""
    from cli import sending

    found = {name: sending.arguments(name, settings) for name in sending.task_names()}
    if as_json:
        shown = {
            name: {
                "does": sending.title(name),
                "parameters": [
                    {
                        "name": each.name,
                        "type": each.kind.__name__,
                        "required": each.required,
                        "default": each.default,
                        "choices": list(each.choices),
                        "meaning": each.meaning,
                    }
                    for each in arguments
                ],
            }
            for name, arguments in found.items()
        }
        print_json(shown)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in ("task", "parameters", "does"):
        table.add_column(column, overflow="fold")
    for name, arguments in found.items():
        words = [
            each.name.replace("_", "-") + ("" if each.default is None else f"={each.default}")
            for each in arguments
        ]
        table.add_row(name, " ".join(f"--{each}" for each in words), sending.title(name))
    console().print(table)
    print("a wrong parameter or value is refused with the right ones; --json has all of them")


def _say(facts: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    given = " ".join(f"{key}={value}" for key, value in facts["arguments"].items())
    if facts["state"] == "NOT SENT":
        print(f"{facts['task']} {given}: right, not sent")
    else:
        print(f"sent {facts['task']} {given} as {facts['task_id']}; see: marketprism tasks")


def _follow(settings: Settings, task_id: str, name: str, timeout_s: float) -> dict[str, Any]:
    """What came of a run, under its name, and of what it handed on, under the collectors' names."""
    done = _wait(settings, task_id, name, timeout_s)
    runs, result = {name: done}, done["result"]
    handed_on = result.pop("handed_on", {}) if isinstance(result, dict) else {}
    for collector, run_id in handed_on.items():
        runs[collector] = _wait(settings, run_id, f"{name} on {collector}", timeout_s)
    return runs


def _wait(settings: Settings, task_id: str, name: str, timeout_s: float) -> dict[str, Any]:
    """Look until the run has ended; what came of it."""
    from celery import states

    from tasks import app
    from tasks.results import ClickHouseBackend

    backend = app.backend
    assert isinstance(backend, ClickHouseBackend)
    shown = console(stderr=True)
    begun_s, nap_s, hinted = time.monotonic(), FIRST_NAP_S, False
    with shown.status(f"{name}: sent") as status:
        while (passed_s := time.monotonic() - begun_s) < timeout_s:
            words = "waits for a worker"
            try:
                run = backend.look(task_id)
            except StoreError as error:
                if not error.retryable:
                    raise
                run, words = None, f"is sent; its result comes when ClickHouse does: {error}"
            if run is not None and run.state in states.READY_STATES:
                return {
                    "state": run.state,
                    "worker": run.worker,
                    "runtime_s": run.runtime_s,
                    "result": msgspec.json.decode(run.result) if not run.error else None,
                    "error": run.error or None,
                }
            if run is not None:
                progress = "" if run.state == states.STARTED else f" {run.result}"
                words = f"{run.state.lower()} on {run.worker}{progress}"
            elif passed_s > HINT_S and not hinted:
                hinted = True
                shown.print(_why_nobody(settings, task_id, words))
            status.update(f"{name}: {words}, {passed_s:.0f} s")
            nap_s = min(nap_s * 1.3, LONGEST_NAP_S)
            time.sleep(nap_s)
    raise MarketPrismError(
        f"{name}: no result within {timeout_s:g} s ({words}); the run may still end: {task_id}"
    )


def _why_nobody(settings: Settings, task_id: str, words: str) -> str:
    """What may be wrong when nobody reports the start of a run."""
    from tasks import app

    if "ClickHouse" in words:
        return words
    answers = app.control.inspect(timeout=1.0).active_queues() or {}
    consumed = sorted({queue["name"] for queues in answers.values() for queue in queues})
    if not consumed:
        return "no worker answers; start one with: celery -A tasks worker, or marketprism up"
    return f"nobody took it yet; queues with a worker: {', '.join(consumed)}"


def _show(facts: Mapping[str, Any]) -> None:
    if facts["state"] != "SUCCESS":
        late = "nobody took it before it expired" if "expired" in str(facts["error"]) else ""
        print(f"{facts['state']}: {late or facts['error']}")
        return
    runtime = "" if facts["runtime_s"] is None else f" in {facts['runtime_s']:.3f} s"
    print(f"SUCCESS on {facts['worker']}{runtime}")
    result = facts["result"]
    if isinstance(result, dict) and all(not isinstance(each, list) for each in result.values()):
        width = max(map(len, result), default=0)
        for key, value in result.items():
            print(f"  {key:<{width}}  {value}")
    else:
        print_json(result)
