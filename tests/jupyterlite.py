"""The JupyterLite of the book in a browser, for the tests that open chapters there."""

import lite
from bare import environment

HOME = "anywhere/book"  # a host may have the book in a folder
NOTEBOOK = "jupyterapp.shell.currentWidget"
CELLS = f"""() => [...{NOTEBOOK}.content.model.cells].filter((cell) => cell.type === "code")
  .map((cell) => ({{ count: cell.executionCount, outputs: cell.outputs.toJSON() }}))"""
ASK = f"""async (code) => {{
  const asked = {NOTEBOOK}.sessionContext.session.kernel.requestExecute({{ code }});
  let said = "";
  asked.onIOPub = ({{ content }}) => {{ said += content.text ?? content.evalue ?? ""; }};
  await asked.done;
  return said;
}}"""


def make(folder):
    """Build it, in an environment of its own."""
    python = environment(folder / "environment", "--requirement", str(lite.HOME / "requirements.txt"))
    (folder / HOME).mkdir(parents=True)
    lite.build(python.parents[1], folder / HOME / "lite")


def address(home, chapter):
    """Of a chapter of Part I, by the name of its file."""
    (name,) = (name for name, _ in lite.notebooks() if name.startswith(chapter))
    return f"{home}/{HOME}/lite/notebooks/index.html?path={name}"


def open_notebook(page, address):
    page.goto(address)
    page.wait_for_function(f"() => window.jupyterapp && {NOTEBOOK}?.content?.model?.cells.length > 3")


def run_all(page):
    """Run all cells, as a reader would, until the last has run or one has failed. Gives the errors."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    failed = "(cell) => cell.outputs.some((output) => output.output_type === 'error')"
    ended = f"() => {{ const cells = ({CELLS})(); return cells.every((cell) => cell.count) || cells.some({failed}); }}"
    page.wait_for_function(ended, timeout=300_000)
    outputs = [output for cell in page.evaluate(CELLS) for output in cell["outputs"]]
    return [output["evalue"] for output in outputs if output["output_type"] == "error"]


def ask(page, code):
    """What the notebook's Python prints."""
    return page.evaluate(ASK, code)
