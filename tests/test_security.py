"""No text is run but what a reader types into a cell of a page, and no object unpickled: every call in the syntax trees
of the project and of its notebooks."""

import ast
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("kdlite", "book/_ext", "tools", "benchmarks")
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
METHODS = {"os.system", "os.popen", "pickle.load", "pickle.loads", "pd.read_pickle", "pandas.read_pickle"}

TYPED = "kdlite/explorer/cells.py"  # runs the cells of a page, in a worker of that page


def name(node):
    """The dotted name of what is called, or "" for what has none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name(node.value)}.{node.attr}"
    return ""


def value(call, argument, default=None):
    """The constant that a call is given under this name."""
    return next((getattr(k.value, "value", "?") for k in call.keywords if k.arg == argument), default)


def faults(source):
    """What in a program runs text, or unpickles."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] if (node.module or "").split(".")[0] in MODULES else []
        elif isinstance(node, ast.Call):
            called = name(node.func)
            last = called.rpartition(".")[2]
            wrong = (
                called in CALLS | METHODS
                or value(node, "shell", False) is not False
                or value(node, "allow_pickle", False) is not False
                or value(node, "trust_remote_code", False) is not False
                or (called.endswith("torch.load") and value(node, "weights_only") is not True)
                or (last in ("load", "load_all") and called.split(".")[0] == "yaml" and not _is_safe(node))
                or (last in ("unsafe_load", "full_load"))
            )
            found += [called] if wrong else []
    return found


def _is_safe(call):
    given = [*call.args[1:], *(k.value for k in call.keywords if k.arg == "Loader")]
    return [name(loader).rpartition(".")[2] for loader in given] in (["SafeLoader"], ["CSafeLoader"])


def programs():
    """Every file of code, and the code of every notebook as one program, by its path."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "book").rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
            lines = (line for line in code.splitlines() if not line.startswith(("%", "!")))
            yield str(path.relative_to(ROOT)), "\n".join(lines)


PROGRAMS = dict(programs())


@pytest.mark.parametrize("path", PROGRAMS)
def test_no_text_is_run_and_nothing_unpickled(path):
    assert set(faults(PROGRAMS[path])) <= ({"exec", "eval", "compile"} if path == TYPED else set())
    assert path == TYPED or "explorer.cells" not in PROGRAMS[path].replace('"kdlite.explorer.cells"', "")


@pytest.mark.parametrize("path", [path for path in PROGRAMS if path.endswith(".ipynb")])
def test_notebooks_run_no_shell(path):
    cells = json.loads((ROOT / path).read_text(encoding="utf-8"))["cells"]
    lines = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code").splitlines()
    assert [line for line in lines if line.startswith("!")] == []


@pytest.mark.parametrize(
    "source",
    ["eval('1')", "exec(text)", "import pickle", "from pickle import loads", "import joblib", "x.compile; compile(a)",
     "np.load(f, allow_pickle=True)", "np.load(f, allow_pickle=flag)", "torch.load(f)",
     "torch.load(f, weights_only=False)", "yaml.load(f)", "yaml.load(f, Loader=yaml.Loader)", "yaml.full_load(f)",
     "subprocess.run('ls', shell=True)", "load(f, trust_remote_code=True)", "os.system('ls')", "import shelve"],
)  # fmt: skip
def test_the_reader_of_trees_sees(source):
    assert len(faults(source)) == 1


@pytest.mark.parametrize(
    "source",
    ["model.eval()", "torch.compile(f)", "re.compile('a')", "np.load(f)", "yaml.load(f, Loader=yaml.SafeLoader)",
     "yaml.safe_load(f)", "torch.load(f, weights_only=True)", "load(f, trust_remote_code=False)", "run(['ls'])"],
)  # fmt: skip
def test_the_reader_of_trees_lets_pass(source):
    assert faults(source) == []


def test_every_pinned_package_has_a_licence_and_what_the_package_needs_is_not_gpl():
    lines = (ROOT / "LICENSES.md").read_text(encoding="utf-8").splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]
    pins = (ROOT / "requirements.txt").read_text().splitlines()[1:]
    assert [f"{name}=={version}" for name, version, *_ in rows] == pins, "run make licences"
    assert [row for row in rows if row[3].lower() in ("", "unknown")] == []
    strict = ("GPL", "GNU General Public", "GNU Lesser", "GNU Affero")
    assert [r for r in rows if r[2] in ("core", "book", "lm") and any(word in r[3] for word in strict)] == []
    assert {"numpy", "torch"} <= {r[0] for r in rows if r[2] in ("core", "book", "lm")}
