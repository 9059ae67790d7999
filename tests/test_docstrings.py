"""Whatever the package offers says what it is."""

import ast
from pathlib import Path

import pytest

import kdlite

HOME = Path(kdlite.__file__).parent
MODULES = sorted(HOME.rglob("*.py"))


def undocumented(node, name=""):
    """Public classes and functions below a node of the syntax tree, and their public methods, without a docstring."""
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef) and not child.name.startswith("_"):
            if not ast.get_docstring(child):
                yield f"{name}{child.name}"
            if isinstance(child, ast.ClassDef):
                yield from undocumented(child, f"{child.name}.")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_a_module_and_all_that_is_public_in_it_has_a_docstring(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    assert list(undocumented(tree)) == []


def test_a_name_without_a_docstring_is_noticed():
    code = """
class A:
    "said"
    def b(self): ...
    def _c(self): ...
    class D:
        def e(self): "said"
def f(): ...
"""
    assert list(undocumented(ast.parse(code))) == ["A.b", "A.D", "f"]
