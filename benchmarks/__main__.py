"""Run every benchmark, one after another: `python -m benchmarks [NAME ...]`."""

import importlib
import pkgutil
import sys
import time

import benchmarks


def main() -> int:
    """Run the named benchmarks, or all; each prints its own table."""
    known = sorted(
        module.name
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if not module.name.startswith("_")
    )
    wanted = sys.argv[1:] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    for name in wanted:
        print(f"\n== {name}  (python -m benchmarks.{name})", flush=True)
        started_s = time.monotonic()
        importlib.import_module(f"benchmarks.{name}").main()
        print(f"   took {time.monotonic() - started_s:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
