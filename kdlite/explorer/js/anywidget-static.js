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
// worker when a widget first asks for it, and one serves all.

(() => {
  const VIEW = 'script[type="application/vnd.jupyter.widget-view+json"]';
  const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';

  const { currentScript } = document;
  const PATIENCE = 120_000; // milliseconds for Python to start: of a file that it cannot use, Pyodide says nothing

  // What the page carries: a script to load, named by its address, or a block of JSON in the page itself.
  async function carried(runtime) {
    const block = document.getElementById(runtime);
    if (block) return JSON.parse(block.textContent);
    if (!window.KDLITE_RUNTIME) {
      await new Promise((loaded, failed) => {
        const script = document.createElement("script"); // all that a page from file:// may load
        script.src = new URL(runtime, currentScript.src || document.baseURI);
        script.onload = loaded;
        script.onerror = () => failed(new Error("a file of the page is missing, runtime.js"));
        document.head.append(script);
      });
    }
    return window.KDLITE_RUNTIME;
  }

  // Python in the page. It tells each model how far it is, and hears its questions when it is awake.
  class Python {
    constructor(runtime) {
      this.runtime = runtime;
      this.models = [];
      this.said = { kind: "asleep" };
      window.addEventListener("pagehide", () => this.end({ kind: "asleep" }));
    }
    hear(model, message) {
      if (!this.models.includes(model)) this.models.push(model);
      if (message.kind === "hello") model.emit("msg:custom", this.said);
      else if (message.kind === "wake") this.wake();
      else this.worker?.postMessage({ model: this.models.indexOf(model), question: message });
    }
    tell(said) {
      this.said = said;
      for (const model of this.models) model.emit("msg:custom", said);
    }
    end(said) {
      clearTimeout(this.waiting);
      this.worker?.terminate();
      this.worker = null;
      if (this.said.kind !== "failed") this.tell(said);
    }
    async wake() {
      if (this.said.kind !== "asleep") return;
      this.tell({ kind: "waking", share: 0 });
      try {
        const { worker, files } = await carried(this.runtime);
        const address = URL.createObjectURL(new Blob([worker], { type: "text/javascript" }));
        this.worker = new Worker(address);
        URL.revokeObjectURL(address);
        this.worker.onmessage = ({ data }) => this.answer(data);
        this.worker.onerror = ({ message }) => this.answer({ failed: message });
        this.worker.postMessage({ files });
        this.waiting = setTimeout(() => this.answer({ failed: "it did not start in time" }), PATIENCE);
      } catch (error) {
        this.answer({ failed: error.message });
      }
    }
    answer({ waking, here, failed, model, reply, content }) {
      if (failed) {
        this.end({ kind: "failed", reason: failed });
      } else if (here) {
        clearTimeout(this.waiting);
        this.tell({ kind: "here" });
      } else if (waking) {
        this.tell({ kind: "waking", share: waking });
      } else {
        if (reply.name) this.models[model].set(reply.name, new DataView(content.buffer));
        this.models[model].emit("msg:custom", reply);
      }
    }
  }

  const python = currentScript.dataset.runtime && new Python(currentScript.dataset.runtime);

  // The part of Backbone's model that an anywidget may use. Nothing leaves the page.
  class Model {
    constructor(state) {
      this.state = state;
      this.callbacks = {};
    }
    get(name) {
      return this.state[name];
    }
    set(name, value) {
      if (this.state[name] === value) return;
      this.state[name] = value;
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
    save_changes() {}
    send(message) {
      if (python) python.hear(this, message);
    }
  }

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

  async function start(record) {
    putBuffersInPlace(record);
    const model = new Model(record.state);
    const exported = await importModule(record.state._esm);
    const widget = typeof exported === "function" ? exported() : exported;
    await widget.initialize?.({ model, experimental: {} });
    return { model, widget };
  }

  function say(box, message) {
    const note = document.createElement("p");
    note.className = "widget-note";
    note.textContent = message;
    box.replaceChildren(note);
  }

  async function show(place, records, started) {
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
      const { model, widget } = await (started[id] ??= start(record));
      const style = document.createElement("style");
      style.textContent = record.state._css ?? "";
      const el = document.createElement("div");
      box.append(style, el);
      await widget.render({ model, el, experimental: {} });
    } catch (error) {
      console.error(error);
      say(box, `This interactive figure could not be shown: ${error.message}`);
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
    const started = {};
    for (const place of document.querySelectorAll(VIEW)) {
      await show(place, records, started);
      await new Promise((paint) => setTimeout(paint));
    }
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", showAll);
  else showAll();
})();
