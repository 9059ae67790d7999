"""Run the core's tests with the oldest, or the newest, releases that pyproject.toml lets in: bounds.py old|new.

Knows requirements and throw-away environments; knows nothing of language models, whose torch weighs gigabytes.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = "tests", "tests/mixtures", "tests/explorer"
# Tests that speak of language models are none of the core.
LANGUAGE = re.compile(
    r"^(from|import) (benchmarks|kdlite\.(lm|texts|runs))|^from kdlite import .*\blm\b|transformers|safetensors",
    re.M,
)
# All that these tests need of the extra.
TOOLS = ("beautifulsoup4>", "filelock>", "hypothesis>", "pytest>", "pyyaml>", "scikit-learn>")


def requirements(which: str) -> list[str]:
    """What pip is asked for: each lower bound itself, or whatever is newest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tools = [line for line in project["optional-dependencies"]["test"] if line.startswith(TOOLS)]
    asked = project["dependencies"] + project["optional-dependencies"]["book"] + tools
    return [line.replace(">=", "==") for line in asked] if which == "old" else asked


def tests() -> list[Path]:
    """The core's test files."""
    every = [path for folder in FOLDERS for path in sorted((ROOT / folder).glob("test_*.py"))]
    return [path for path in every if not LANGUAGE.search(path.read_text(encoding="utf-8"))]


def main() -> int:
    if sys.argv[1:] not in (["old"], ["new"]):
        sys.exit("usage: bounds.py old|new")
    asked = requirements(sys.argv[1])
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [python, "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--quiet", *asked, str(ROOT)], check=True, env=environment)
        subprocess.run([*pip, "list"], check=True, env=environment)
        pytest = [Path(folder) / "bin" / "pytest", "-p", "no:cacheprovider", *tests()]
        return subprocess.run(pytest, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
