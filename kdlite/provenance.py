"""With what a result was made: the commit of this code, the versions it ran with, and the processor.

Knows git, installed packages and the system; knows nothing of results.
"""

import platform
import re
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def commit() -> str:
    """The commit of this code when it was first asked for, with "-dirty" if a file had been changed since; "unknown"
    where there is no repository, or no git.
    """
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        git = subprocess.run(describe, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return git.stdout.strip() or "unknown"


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of installed packages, by name."""
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def processor() -> str:
    """The model of this machine's processor, or at least its architecture."""
    try:
        known = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        known = ""
    model = re.search(r"^model name\s*:\s*(.+)$", known, re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()
