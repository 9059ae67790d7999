"""With what a result was made: the commit of this code, and the versions it ran with.

Knows git and installed packages; knows nothing of results.
"""

import platform
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
