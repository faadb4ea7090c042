"""`marketprism migrate`: bring the database to the schema of this version."""

from cli.options import AsJson, ConfigFile
from cli.output import plain_errors, print_json
from cli.stores import reach_clickhouse
from config.load import load


def migrate_command(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Create the database and its tables, or bring them up to date. Safe to run again.

    The local stack does this when it starts. JSON: database, applied (a list of lines).
    """
    from workers.store.migrate import migrate

    with plain_errors(as_json=as_json):
        settings = load().clickhouse
        reach_clickhouse(settings)
        applied = migrate(settings)
        if as_json:
            print_json({"database": settings.database, "applied": applied})
            return
        for line in applied:
            print(line)
        done = f"{len(applied)} changes applied" if applied else "nothing to do"
        print(f"{settings.database} at {settings.host}:{settings.port}: {done}")
