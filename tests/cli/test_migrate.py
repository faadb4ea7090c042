"""`marketprism migrate` on a real ClickHouse, and on none."""

import json

from tests.cli.conftest import Run, run_process


def test_migrate_tells_what_it_applied_and_the_second_time_that_there_is_nothing(
    run: Run, settings_env: dict[str, str]
) -> None:
    database = settings_env["MARKETPRISM_CLICKHOUSE__DATABASE"]
    first = run("migrate", "--json", env=settings_env)
    assert first.exit_code == 0
    told = json.loads(first.stdout)
    assert told["database"] == database
    assert any(line.startswith("0001_") for line in told["applied"])
    second = run("migrate", env=settings_env)
    assert second.stdout.startswith(f"{database} at 127.0.0.1:")
    assert second.stdout.endswith(": nothing to do\n")


def test_without_clickhouse_one_line_names_address_settings_and_remedy() -> None:
    result = run_process("migrate", env={"MARKETPRISM_CLICKHOUSE__PORT": "9"})
    assert result.returncode == 1
    assert result.stderr == (
        "marketprism: ClickHouse does not answer at 127.0.0.1:9 (Connection refused); start the "
        "stack with `marketprism up`, or correct MARKETPRISM_CLICKHOUSE__HOST and "
        "MARKETPRISM_CLICKHOUSE__PORT\n"
    )
