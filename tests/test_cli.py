"""The command line as a stranger meets it."""

import subprocess
import sys
import tomllib
from importlib import import_module

import pytest
from building import ROOT

from kdlite.cli import COMMANDS


def run(*words):
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)


def test_help_names_every_command_and_says_what_to_type_first_without_loading_torch():
    program = "import sys; sys.modules['torch'] = None; sys.argv = ['kdlite', '--help']; from kdlite.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first = done.stdout.partition("what to type first:")[2]
    assert [name for name in COMMANDS if f"kdlite {name} " not in first] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_takes(name, command):
    status, said, _ = command(name, "--help")
    assert status == 0 and said.startswith(f"usage: kdlite {name} ")


def test_the_older_name_works_with_a_note():
    done = run("kdlite.lm", "status", "no-such-folder")
    note, error = done.stderr.splitlines()
    assert done.returncode == 2 and note.startswith("note: this command is now called kdlite")
    assert error.startswith("error: no-such-folder is not the folder of a run")


def test_the_script_is_the_same_command():
    module, _, name = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][
        "kdlite"
    ].partition(":")
    assert callable(getattr(import_module(module), name))
