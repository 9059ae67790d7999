// Draws the anywidgets of an executed notebook in a static page, without a kernel.
//
// The page already carries two kinds of JSON block: one with the state of all widgets, and one at each place where a
// widget is shown. For each place this script imports the widget's own ES module from that state and lets it render.
// Views of one model share that model, so they stay linked. A widget's element lies inside ".anywidget-static", which
// tells the widget that there is no kernel behind it. Other kinds of widget need a kernel, and a note says so.
//
// A page may show many widgets of one class. They share its module, so that the browser compiles it once, and binary
// traits of the same content. Between two of them the browser has time to paint, and to answer the reader.
//
// Where the page carries Python (this script then says where: data-runtime), it takes the kernel's place: it starts in a
// worker when a widget first asks for it, and one serves all. Cells of the page run there, too (cells.js, for which this
// script leaves ``KDLITE.python`` and ``KDLITE.showWidget``), and the widgets that they make have their other end there.

(() => {
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';

  const { currentScript } = document;
  const PATIENCE = 120_000; // milliseconds for Python to start: of a file that it cannot use, Pyodide says nothing

  window.KDLITE ??= {};

  // What the page carries: a script to load, named by its address, or a block of JSON in the page itself.
  async function carried(name) {
    const block = document.getElementById(name);
    if (block) return JSON.parse(block.textContent);
    if (!KDLITE[name]) {
      await new Promise((loaded, failed) => {
        const script = document.createElement("script"); // all that a page from file:// may load
        script.src = new URL(name, currentScript.src || document.baseURI);
        script.onload = loaded;
        script.onerror = () => failed(new Error(`a file of the page is missing, ${name}`));
        document.head.append(script);
      });
    }
    return KDLITE[name];
  }

  // Python in the page. It tells each model how far it is, and hears its questions when it is awake.
  class Python {
    constructor(runtime) {
      this.runtime = runtime;
      this.models = [];
      this.told = null; // who is told what comes of the cells that run
      this.end({ kind: "asleep" });
      window.addEventListener("pagehide", () => this.end({ kind: "asleep" }));
    }
    hear(model, message) {
      if (!this.models.includes(model)) this.models.push(model);
      if (message.kind === "hello") model.emit("msg:custom", this.said);
      else if (message.kind === "wake") this.wake();
      else this.post({ model: this.models.indexOf(model), question: message });
    }
    post(message) {
      this.worker?.postMessage(message);
    }
    tell(said) {
      this.said = said;
      for (const model of this.models) model.emit("msg:custom", said);
      this.told?.(said);
    }
    end(said) {
      if (this.said?.kind === "failed") return;
      clearTimeout(this.waiting);
      this.worker?.terminate();
      this.worker = null;
      this.packages = new Set(); // that have gone to the worker
      this.widgets = {}; // the models of widgets that cells have made, by their names
      this.tell(said);
      this.told = null;
    }
    async wake() {
      if (this.said.kind !== "asleep") return;
      const started = { kind: "waking", share: 0 };
      this.tell(started);
      try {
        const { worker, files } = await carried(this.runtime);
        if (this.said !== started) return; // it was ended meanwhile
        const address = URL.createObjectURL(new Blob([worker], { type: "text/javascript" }));
        this.worker = new Worker(address);
        URL.revokeObjectURL(address);
        const { worker: mine } = this;
        mine.onmessage = ({ data }) => mine === this.worker && this.answer(data);
        mine.onerror = ({ message }) => mine === this.worker && this.answer({ failed: message });
        this.post({ files });
        this.waiting = setTimeout(() => this.answer({ failed: "it did not start in time" }), PATIENCE);
      } catch (error) {
        this.answer({ failed: error.message });
      }
    }
    // Run these sources, with what another file of the page carries for cells; ``told`` hears what comes of it, and how
    // far Python is.
    async run(packages, sources, told) {
      this.told = told;
      this.wake();
      told(this.said);
      try {
        const { files } = await carried(packages);
        while (this.told === told && this.said.kind === "waking") await new Promise((later) => setTimeout(later, 50));
        if (this.told !== told || this.said.kind !== "here") return;
        this.tell({ kind: "busy" });
        this.post({ more: this.packages.has(packages) ? undefined : files, run: sources });
        this.packages.add(packages);
      } catch (error) {
        this.answer({ failed: error.message });
      }
    }
    answer({ waking, here, failed, told, model, reply, content }) {
      if (failed) {
        this.end({ kind: "failed", reason: failed });
      } else if (here) {
        clearTimeout(this.waiting);
        this.tell({ kind: "here" });
      } else if (waking) {
        this.tell({ kind: "waking", share: waking });
      } else if (told?.kind === "update" || told?.kind === "custom") {
        this.widgets[told.model]?.receive(told, content);
      } else if (told) {
        this.told?.(told, content);
        if (told.kind === "ended") {
          this.told = null;
          this.tell({ kind: "here" });
        }
      } else {
        if (reply.name) this.models[model].set(reply.name, new DataView(content.buffer));
        this.models[model].emit("msg:custom", reply);
      }
    }
  }

  const python = currentScript.dataset.runtime && new Python(currentScript.dataset.runtime);

  // The part of Backbone's model that an anywidget may use. Nothing leaves the page. Of a widget that a cell has made,
  // ``name`` says which it is in Python; where that Python has ended, it goes on as any other of the page.
  class Model {
    constructor(state, name = "") {
      this.state = state;
      this.name = name;
      this.callbacks = {};
      this.changed = {}; // what Python does not know yet
    }
    get(name) {
      return this.state[name];
    }
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = this.changed[name] = value;
      this.emit(`change:${name}`, this, value);
      this.emit("change", this);
    }
    emit(event, ...values) {
      for (const callback of [...(this.callbacks[event] ?? [])]) callback(...values);
    }
    on(event, callback) {
      (this.callbacks[event] ??= []).push(callback);
    }
    off(event, callback) {
      this.callbacks[event] = (this.callbacks[event] ?? []).filter((other) => callback && other !== callback);
    }
    get isOfCell() {
      return python?.widgets[this.name] === this;
    }
    save_changes() {
      if (this.isOfCell) python.post({ said: { kind: "update", model: this.name, state: this.changed } });
      this.changed = {};
    }
    send(content) {
      if (this.isOfCell && !["hello", "wake"].includes(content.kind)) {
        python.post({ said: { kind: "custom", model: this.name, content } });
      } else if (python) python.hear(this, content);
    }
    // What Python says to it.
    receive({ kind, content, state, bytes }, buffers) {
      if (kind === "custom") return this.emit("msg:custom", content);
      for (const [name, value] of Object.entries(withBytes(state, bytes, buffers))) {
        this.set(name, value);
        delete this.changed[name];
      }
    }
  }

  const withBytes = (state, names, buffers) => {
    for (const [i, name] of names.entries()) state[name] = new DataView(buffers[i].buffer);
    return state;
  };

  // The function, with its result for each text kept.
  function once(call) {
    const results = new Map();
    return (text) => {
      if (!results.has(text)) results.set(text, call(text));
      return results.get(text);
    };
  }

  const decode = once((base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    return new DataView(bytes.buffer);
  });

  // Binary traits are stored apart from the state, as base64. A widget expects them in place, as DataViews.
  function putBuffersInPlace({ state, buffers = [] }) {
    for (const { path, data } of buffers) {
      const owner = path.slice(0, -1).reduce((parent, key) => parent[key], state);
      owner[path.at(-1)] = decode(data);
    }
  }

  const importModule = once(async (source) => {
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const module = await import(address);
    URL.revokeObjectURL(address);
    return module.default;
  });

  async function start(model) {
    const exported = await importModule(model.get("_esm"));
    const widget = typeof exported === "function" ? exported() : exported;
    await widget.initialize?.({ model, experimental: {} });
    return widget;
  }

  async function render(model, box) {
    const widget = await (model.widget ??= start(model));
    const style = document.createElement("style");
    style.textContent = model.get("_css") ?? "";
    const el = document.createElement("div");
    box.append(style, el);
    return widget.render({ model, el, experimental: {} });
  }

  function say(box, message) {
    const note = document.createElement("p");
    note.className = "widget-note";
    note.textContent = message;
    box.replaceChildren(note);
  }

  function refuse(box, error) {
    console.error(error);
    say(box, `This interactive figure could not be shown: ${error.message}`);
  }

  async function show(place, records, models) {
    const box = document.createElement("div");
    box.className = "anywidget-static";
    place.after(box);
    try {
      const id = JSON.parse(place.textContent).model_id;
      const record = records[id];
      if (!record) throw new Error("its state is missing from the page");
      if (record.model_module !== "anywidget") {
        say(box, "This control needs a live kernel. Open the chapter in JupyterLab or Colab to use it.");
        return;
      }
      if (!models[id]) putBuffersInPlace(record);
      await render((models[id] ??= new Model(record.state)), box);
    } catch (error) {
      refuse(box, error);
    }
  }

  // Show what a cell has made, in a box of its own. Gives what takes it away again.
  async function showWidget({ model, state, bytes }, buffers, box) {
    box.className = "anywidget-static";
    try {
      return await render((python.widgets[model] ??= new Model(withBytes(state, bytes, buffers), model)), box);
    } catch (error) {
      refuse(box, error);
    }
  }

  async function showAll() {
    const records = {};
    for (const block of document.querySelectorAll(STATE)) {
      try {
        Object.assign(records, JSON.parse(block.textContent).state);
      } catch (error) {
        console.error(error); // each place that needs this block says that its state is missing
      }
    }
    const models = {};
    for (const place of document.querySelectorAll(VIEW)) {
      await show(place, records, models);
      await new Promise((paint) => setTimeout(paint));
    }
  }

  if (python) Object.assign(KDLITE, { python, showWidget });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", showAll);
  else showAll();
})();
