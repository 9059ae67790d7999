"""The floors of the package: what is above uses what is below, never the other way, and the lower ones need little."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kdlite

HOME = Path(kdlite.__file__).parent
# From the ground up. Rooms on one floor do not know of each other.
FLOORS = (
    {"checks", "files", "packages", "page", "parallel", "provenance", "store"},
    {"advice", "distribution", "frontier", "selection"},
    {"mixtures", "texts"},
    {"explorer", "lm", "plots"},
    {"runs"},
    {"cli"},
    {"", "__main__", "lm.__main__"},  # what a reader types
)
HEAVY = (
    "torch",
    "scipy",
    "matplotlib",
    "anywidget",
    "pyarrow",
    "subprocess",
    "tqdm",
    "filelock",
    "transformers",
)


def room(module):
    """The room of a module of the package: ``mixtures`` of ``kdlite.mixtures.em``."""
    parts = module.split(".")[1:]
    return "lm.__main__" if parts == ["lm", "__main__"] else parts[0] if parts else ""


def floor(name):
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


def imports(tree):
    """Modules of the package that a syntax tree imports, whenever it does; not those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "kdlite":
            yield from (f"kdlite.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("kdlite."):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "kdlite")
        yield from imports(node)


def module_of(path):
    parts = path.relative_to(HOME.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def wrong(module, tree):
    """What a module imports from a floor above, or from another room of its own floor above the ground."""
    own = room(module)
    for found in imports(tree):
        other = room(found)
        if other != own and (floor(other) > floor(own) or (floor(other) == floor(own) and floor(own) > 1)):
            yield found


@pytest.mark.parametrize(
    "path", sorted(HOME.rglob("*.py")), ids=lambda path: path.relative_to(HOME).as_posix()
)
def test_a_module_uses_what_is_below_it(path):
    assert list(wrong(module_of(path), ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("kdlite.texts.markov", "from kdlite.lm.model import LanguageModel"),
        ("kdlite.texts.markov", "from kdlite.mixtures import em"),
        ("kdlite.checks", "def f():\n    from kdlite import plots"),
        ("kdlite.lm.model", "import kdlite"),
    ],
)
def test_the_other_way_is_seen(module, source):
    assert len(list(wrong(module, ast.parse(source)))) == 1


def test_mixtures_texts_and_the_session_run_where_there_is_numpy_alone_and_no_thread():
    """As in a browser, where Python is called emscripten, starts no thread and no process, and has few packages."""
    program = f"""
import sys
import numpy as np
sys.modules.update(dict.fromkeys({HEAVY}))
sys.platform = "emscripten"
import threading

def refuse(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse

import kdlite as kd
from kdlite.explorer.session import Session
from kdlite.lm import Corpus, Language, MarkovMixture, Recipe, Results
from kdlite.texts.geometry import coverage
from kdlite.texts.results import Results

truth = kd.GaussianMixture([0.7, 0.3], [[0.0, 0.0], [4.0, 0.0]], [np.eye(2)] * 2)
for sizes in (None, kd.Sizes(20, 20, 20)):
    kd.sweep(truth, betas=[1, 2], teacher_components=2, student_components=1, sizes=sizes)
question = dict(id="1", profile="own", truth=[[1, 0, 0, 1, 0, 1], [1, 4, 0, 1, 0, 1]], teacher_components=2)
for kind in ("fit", "runs"):
    assert Session().reply(question | dict(kind=kind, student_components=1, betas=[1, 2], beta=2))[1]
chains = MarkovMixture.random(2, 3, 4, decay=0.5, concentration=0.5, seed=0)
kd.precision(chains.sharpen(2), truth=chains, n=5)
coverage(np.random.default_rng(0).normal(size=(9, 2)), np.zeros((9, 2)) + np.arange(9)[:, None])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_where_torch_is_missing_the_remedy_is_named():
    program = "import sys; sys.modules['torch'] = None; from kdlite import lm; lm.LanguageModel"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'kdlite[lm]'" in done.stderr
