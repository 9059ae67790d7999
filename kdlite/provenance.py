"""With what a result was made: the commit of this code, the versions it ran with, and the processor.

Knows git, installed packages and the system; knows nothing of results.
"""

import os
import platform
import re
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@cache
def commit() -> str:
    """The commit of this code when it was first asked for, with "-dirty" if a file had been changed since. Where there is
    no git, or no repository that this file belongs to (an environment may lie inside somebody else's), what the variable
    KDLITE_COMMIT says, else "unknown".
    """
    here = Path(__file__)

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=here.parent, capture_output=True, text=True, check=False
        ).stdout.strip()

    try:
        tracked = git("ls-files", "--", here.name)
        found = tracked and git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except FileNotFoundError:
        found = ""
    return found or os.environ.get("KDLITE_COMMIT", "unknown")


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of packages, by name; "not installed" for one that runs from its checkout."""
    found = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def processor() -> str:
    """The model of this machine's processor, or at least its architecture."""
    try:
        known = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        known = ""
    model = re.search(r"^model name\s*:\s*(.+)$", known, re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()
