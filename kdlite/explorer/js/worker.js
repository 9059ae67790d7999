// Python in a worker of the page: Pyodide, NumPy and kdlite, from files that the page hands over. Nothing is requested.
//
// In: first { files }, each gzipped in base64. Then { model, question }, answered as session.py has it; { more, run }:
// files that cells need besides, and sources, see cells.py; { said }, what the page says to a widget, see comm.py.
// Out: { waking: share of the way }, { here: true } or { failed: reason }; then { model, reply, content }, and
// { told, content } with the messages of cells and of widgets.

const SETUP = `
import json
from pyodide.ffi import to_js
from kdlite.explorer.session import Session

sessions = {}

def answer(model, question):
    reply, content = sessions.setdefault(model, Session()).reply(json.loads(question))
    return to_js([json.dumps(reply), content])
`;
const SETUP_CELLS = `
import logging, os, sys, types
from js import tell
from kdlite.explorer import comm
from kdlite.explorer.cells import Cells

os.environ["MPLBACKEND"] = "agg"
logging.getLogger("matplotlib.font_manager").setLevel("ERROR")  # that it lists its fonts is nothing to print
sys.modules["anywidget"] = comm

def tell_page(message, content):
    tell(json.dumps(message), to_js(content))

comm.TELL = tell_page
cells = Cells(tell_page)
# Of IPython what chapters use; HTML is shown as text.
sys.modules["IPython.display"] = types.SimpleNamespace(HTML=str, display=cells.display)

def run(sources):
    cells.run(json.loads(sources))

def hear(message):
    comm.hear(json.loads(message))
`;
const TYPES = { js: "text/javascript", wasm: "application/wasm" };
const NOWHERE = "http://kdlite.invalid/"; // where Pyodide is told that its files are

const places = {};
let python;

const realFetch = self.fetch.bind(self);
const realImport = self.importScripts.bind(self);

// The address of a file's content in this worker's memory.
async function place(name, base64) {
  const packed = await (await realFetch(`data:application/gzip;base64,${base64}`)).blob();
  const content = await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return URL.createObjectURL(new Blob([content], { type: TYPES[name.split(".").pop()] ?? "application/octet-stream" }));
}

async function keep(files) {
  for (const [name, base64] of Object.entries(files)) places[name] = await place(name, base64);
}

// Put the packages among the files where Python finds them, and forget the files.
async function install(setup) {
  const names = Object.keys(places);
  const wheels = names.filter((name) => name.endsWith(".whl")).map((name) => name.split("-")[0].replace("_", "-"));
  const silent = () => {};
  await python.loadPackage(wheels, { messageCallback: silent, errorCallback: silent });
  const wrong = wheels.filter((name) => !python.loadedPackages[name]);
  if (wrong.length) throw new Error(`its ${wrong.join(", ")} is not the file it should be`);
  for (const name of names.filter((name) => name.startsWith("kdlite"))) {
    python.unpackArchive(await (await self.fetch(name)).arrayBuffer(), "zip");
  }
  await python.runPythonAsync(setup);
  for (const name of names) {
    URL.revokeObjectURL(places[name]);
    delete places[name];
  }
}

async function start(files) {
  const tell = (share) => self.postMessage({ waking: share });
  tell(0.2);
  await keep(files);
  const find = (address) => {
    const name = String(address?.url ?? address).split("/").pop();
    if (!(name in places)) throw new TypeError(`this page does not carry ${name}`);
    return places[name];
  };
  // The options go along, so that the browser holds a package to the hash that Pyodide expects.
  self.fetch = async (address, options) => realFetch(find(address), options);
  self.importScripts = (...addresses) => realImport(...addresses.map(find));
  self.importScripts("pyodide.js");
  tell(0.4);
  python = await self.loadPyodide({ indexURL: NOWHERE });
  tell(0.7);
  await install(SETUP);
  self.postMessage({ here: true });
}

// What Python tells the page in the midst of its work.
self.tell = (message, content) => {
  self.postMessage({ told: JSON.parse(message), content }, content.map(({ buffer }) => buffer));
};

const functions = {};
const call = (name, ...values) => (functions[name] ??= python.globals.get(name))(...values);

function fail(error) {
  self.postMessage({ failed: String(error?.message ?? error).trim().split("\n").pop() });
}

async function handle({ files, more, run, said, model, question }) {
  if (files) return start(files);
  if (more) {
    await keep(more);
    await install(SETUP_CELLS);
  }
  if (run) return call("run", JSON.stringify(run));
  if (said) return call("hear", JSON.stringify(said));
  const [reply, content] = call("answer", model, JSON.stringify(question));
  self.postMessage({ model, reply: JSON.parse(reply), content }, [content.buffer]);
}

// One after another, also where one waits for files.
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(() => handle(data)).catch(fail);
};
