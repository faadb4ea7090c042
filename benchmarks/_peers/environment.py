"""The peers' own virtual environment: made once, never part of the project's lock."""

import hashlib
import subprocess
import sys
from pathlib import Path

from config.settings import ROOT

PINNED = Path(__file__).with_name("requirements.txt")


def python() -> Path:
    """The interpreter of an environment with exactly the pinned packages; made where it is not.

    Raises:
        subprocess.CalledProcessError: pip could not install them; its own words are on the screen.
    """
    stamp = hashlib.sha256(PINNED.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = ROOT / ".marketprism" / "bench" / f"peers-{stamp}"
    interpreter, done = folder / "bin" / "python", folder / "complete"
    if not done.is_file():
        print(f"making {folder.relative_to(ROOT)} with {PINNED.name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [interpreter, "-m", "pip", "install", "--quiet", "-r", PINNED]
        subprocess.run(install, check=True)
        done.touch()
    return interpreter
