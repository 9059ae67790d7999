// Python in a worker of the page: Pyodide, NumPy and kdlite, from files that the page hands over. Nothing is requested.
//
// In: first { files, root }, each file gzipped in base64; then { model, question }. Out: { waking: share of the way },
// { here: true } or { failed: reason }; then { model, reply, content }, as session.py has them.

const SETUP = `
import json
from pyodide.ffi import to_js
from kdlite.explorer.session import Session

sessions = {}

def answer(model, question):
    reply, content = sessions.setdefault(model, Session()).reply(json.loads(question))
    return to_js([json.dumps(reply), content])
`;
const TYPES = { js: "text/javascript", wasm: "application/wasm" };
const NOWHERE = "http://kdlite.invalid/"; // where Pyodide is told that its files are

let answer;

// The address of a file's content in this worker's memory.
async function place(name, base64) {
  const packed = await (await realFetch(`data:application/gzip;base64,${base64}`)).blob();
  const content = await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  return URL.createObjectURL(new Blob([content], { type: TYPES[name.split(".").pop()] ?? "application/octet-stream" }));
}

const realFetch = self.fetch.bind(self);
const realImport = self.importScripts.bind(self);

async function start(files) {
  const tell = (share) => self.postMessage({ waking: share });
  tell(0.2);
  const places = {};
  for (const [name, base64] of Object.entries(files)) places[name] = await place(name, base64);
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
  const python = await self.loadPyodide({ indexURL: NOWHERE });
  tell(0.7);
  const silent = () => {};
  await python.loadPackage(["numpy"], { messageCallback: silent, errorCallback: silent });
  if (!python.loadedPackages.numpy) throw new Error("its NumPy is not the file it should be");
  tell(0.8);
  python.unpackArchive(await (await self.fetch("kdlite.zip")).arrayBuffer(), "zip");
  await python.runPythonAsync(SETUP);
  for (const address of Object.values(places)) URL.revokeObjectURL(address);
  answer = python.globals.get("answer");
  self.postMessage({ here: true });
}

function fail(error) {
  self.postMessage({ failed: String(error?.message ?? error).trim().split("\n").pop() });
}

self.onmessage = async ({ data: { files, model, question } }) => {
  try {
    if (files) return await start(files);
    const [reply, content] = answer(model, JSON.stringify(question));
    self.postMessage({ model, reply: JSON.parse(reply), content }, [content.buffer]);
  } catch (error) {
    fail(error);
  }
};
