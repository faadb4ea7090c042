"""The `marketprism` command: its root, and how errors look to a person.

Each command lives in its own module and is registered here; imports stay inside the commands so
that `marketprism --help` is quick.
"""

import sys
from typing import Any

import typer

from cli import (
    backfill,
    completeness,
    config,
    dead_letters,
    down,
    env,
    migrate,
    normalize,
    options,
    process,
    quality,
    query,
    run,
    schedule,
    status,
    streams,
    task_list,
    trades,
    up,
    watch,
)
from cli.output import quiet_libraries
from config.load import ConfigError
from workers.model.errors import MarketPrismError

app = typer.Typer(
    name="marketprism",
    help="Complete, exact, proven crypto market data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.callback()(options.root)
app.command("up", epilog=options.examples("up --demo", "up --demo --seconds 60", "up --mode test"))(
    up.up_command
)
app.command("down", epilog=options.examples("down", "down --demo"))(down.down_command)
app.command("env", epilog=options.examples('env   # eval "$(marketprism env)"'))(env.env_command)
app.command("status", epilog=options.examples("status", "status --json"))(status.status_command)
app.add_typer(config.app, name="config")
app.add_typer(schedule.app, name="schedule")
app.command(
    "run",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog=options.examples(
        "run   # lists tasks and what they take",
        "run polling.volatility_index --currency BTC --wait",
        "run collector.read_book --exchange binance_spot --symbol BTC-USDT --wait --json",
    ),
)(run.run_command)
app.command(
    "tasks", epilog=options.examples("tasks", "tasks --last 50 --state FAILURE", "tasks --json")
)(task_list.tasks_command)
app.add_typer(watch.app, name="watch")
app.add_typer(dead_letters.app, name="deadletters")
app.add_typer(streams.app, name="streams")
app.command(
    "completeness",
    epilog=options.examples(
        "completeness",
        "completeness --day yesterday --exchange binance_spot",
        "completeness --hour 14 --symbol BTC-USDT   # minute by minute",
        "completeness --type kline --day yesterday",
        "completeness --day 2026-11-22 --html day.html",
    ),
)(completeness.completeness_command)
app.add_typer(backfill.app, name="backfill")
app.command("migrate", epilog=options.examples("migrate", "migrate --config config/demo.yaml"))(
    migrate.migrate_command
)
app.command(
    "query",
    epilog=options.examples(
        'query "select count() from trades"',
        'query "select symbol, count() n from trades group by symbol" --json',
        "query - --format csv < mine.sql > mine.csv",
    ),
)(query.query_command)
app.command(
    "trades",
    epilog=options.examples(
        "trades binance_spot BTC-USDT", "trades binance_spot BTC-USDT --last 100 --json"
    ),
)(trades.trades_command)
app.command(
    "normalize",
    epilog=options.examples(
        "normalize okx_spot < frames.jsonl",
        "normalize binance_spot --instruments exchangeInfo.json < frames.jsonl > events.jsonl",
    ),
)(normalize.normalize_command)
app.command(
    "quality", epilog=options.examples("quality", "quality --last 1d --exchange okx_spot --json")
)(quality.quality_command)
app.command("process", epilog=options.examples("process", "process large_trades"))(
    process.process_command
)


def main() -> Any:
    """Run the command line; a known error becomes a message and exit code 1."""
    quiet_libraries()
    try:
        return app()
    except ConfigError as error:
        print("marketprism: the configuration is wrong", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
    except MarketPrismError as error:
        print(f"marketprism: {error}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
