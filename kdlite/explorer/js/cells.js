// Cells of a page that a reader edits and runs where they stand, in the Python of the page (anywidget-static.js).
//
// The page carries the source of all its cells in order, and an id for those that it shows. To run one is to run those
// above it first, hidden ones too; what has run as it stands is not run again (cells.py). What a cell prints, draws and
// raises takes the place of what was recorded, until the reader wants that back.

(() => {
  const { packages, size } = document.currentScript.dataset;
  const IDLE = `Loads Python and matplotlib, ${size} MB, once.`;
  let python;
  let cells = [];

  function make(kind, properties, ...children) {
    const made = Object.assign(document.createElement(kind), properties);
    made.append(...children);
    return made;
  }

  const url = (bytes) => `data:image/png;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;

  class Cell {
    constructor({ id, source }, index) {
      this.recorded = source;
      this.index = index;
      const root = document.getElementById(id); // none where the page hides it
      this.root = root?.querySelector(".cell_input") ? root : null; // what comes of code that it hides stays as it was
      if (this.root) this.equip();
    }

    get source() {
      return this.editor?.value ?? this.recorded;
    }

    equip() {
      this.input = this.root.querySelector(".cell_input");
      this.code = this.input.firstElementChild;
      const button = (label, act) => make("button", { type: "button", textContent: label, onclick: act });
      this.buttons = {
        run: button("Run", () => run(this)),
        stop: button("Stop", stop),
        edit: button("Edit", () => this.edit()),
        reset: button("Reset", () => this.reset()),
      };
      this.status = make("span", { className: "cell-status", role: "status" });
      this.bar = make("div", { className: "cell-bar" }, ...Object.values(this.buttons), this.status);
      this.bar.setAttribute("role", "group");
      this.bar.setAttribute("aria-label", "This cell");
      this.input.after(this.bar);
      this.code.addEventListener("click", ({ target }) => {
        if (target.closest("pre") && !String(getSelection())) this.edit();
      });
      this.output = this.root.querySelector(".cell_output") ?? make("div", { className: "cell_output docutils container" });
      this.before = [...this.output.childNodes];
      this.clean = [];
    }

    edit() {
      if (!this.editor) {
        this.editor = make("textarea", { value: this.recorded, spellcheck: false, wrap: "off", autocapitalize: "off" });
        this.editor.setAttribute("aria-label", "Code of this cell. Control and Enter run it.");
        const grow = () => {
          this.editor.rows = this.editor.value.split("\n").length;
          show();
        };
        this.editor.addEventListener("input", grow);
        this.editor.addEventListener("keydown", (event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          if (event.ctrlKey || event.shiftKey || event.metaKey) run(this);
          else document.execCommand("insertText", false, `\n${this.indent()}`); // which can be undone
        });
        this.code.hidden = true;
        this.input.append(this.editor);
        grow();
      }
      this.editor.focus();
    }

    // Of a new line below the one that is written.
    indent() {
      const line = this.editor.value.slice(0, this.editor.selectionStart).split("\n").pop();
      return line.match(/^ */)[0] + (/:\s*$/.test(line) ? "    " : "");
    }

    reset() {
      this.editor?.remove();
      this.editor = null;
      this.code.hidden = false;
      this.empty(...this.before);
      this.isFresh = false;
      this.note = "";
      this.buttons.run.focus();
      show();
    }

    empty(...children) {
      for (const call of this.clean.splice(0)) call();
      this.output.replaceChildren(...children);
      if (!this.output.isConnected) this.root.append(this.output);
      this.text = null;
    }

    // What was recorded stays until there is something to put in its place.
    start() {
      this.isStarted = Boolean(this.root);
    }

    put(...children) {
      if (this.isStarted) this.empty();
      this.isStarted = false;
      this.isFresh = true;
      this.output.append(...children);
    }

    end() {
      if (this.isStarted) this.put();
    }

    print(text) {
      if (!this.text || this.isStarted) {
        const pre = make("pre");
        this.put(make("div", { className: "output stream" }, make("div", { className: "highlight" }, pre)));
        this.text = pre;
      }
      this.text.append(text);
    }

    fail(text) {
      this.put(make("pre", { className: "cell-error", textContent: text, role: "alert" }));
      this.text = null;
    }

    draw(bytes) {
      const figure = this.before.find((node) => node.querySelector?.("img"))?.cloneNode(true) ?? make("img");
      const image = figure.matches("img") ? figure : figure.querySelector("img");
      image.src = url(bytes);
      if (this.source !== this.recorded || !image.alt) image.alt = "A figure that your run of this cell has drawn";
      this.put(figure);
      this.text = null;
    }

    async embed(told, content) {
      const box = make("div");
      this.put(box);
      this.text = null;
      const remove = await window.KDLITE.showWidget(told, content, box);
      if (typeof remove === "function") this.clean.push(remove);
    }
  }

  let asked = null; // the cell whose run is under way
  let now = null; // the cell that runs for it

  function run(cell) {
    if (asked) return;
    for (const each of cells) each.note = "";
    asked = cell;
    now = null;
    const hasFocus = document.activeElement === cell.buttons.run;
    python.run(packages, cells.slice(0, cell.index + 1).map(({ source }) => source), hear);
    if (hasFocus && asked) cell.buttons.stop.focus();
  }

  function stop() {
    python.end({ kind: "asleep" });
  }

  function hear({ kind, cell, text, reason, ...more }, content) {
    if (kind === "waking") asked.note = "Starting Python …";
    else if (kind === "busy") asked.note = python.packages.has(packages) ? "Running …" : "Loading matplotlib …";
    else if (kind === "started") {
      now?.end();
      now = cells[cell];
      now.start();
      asked.note = now === asked ? "Running …" : `First what is above, cell ${cell + 1} of ${asked.index + 1} …`;
    } else if (kind === "text" && now.root) now.print(text);
    else if (kind === "picture" && now.root) now.draw(content[0]);
    else if (kind === "widget" && now.root) now.embed({ kind, ...more }, content);
    else if (kind === "error") {
      const place = now.root ? now : asked;
      if (place !== now) place.start();
      place.fail(text);
      finish(now === asked ? "" : "A cell above raised an error.");
    } else if (kind === "ended") {
      now?.end();
      finish("");
    } else if (kind === "asleep") finish("Stopped. All variables are lost: Run begins again with the first cell.");
    else if (kind === "failed") finish(`Python could not go on in this page (${reason}). Load the page again to try again.`);
    show();
  }

  function finish(note) {
    if (!asked) return;
    const { buttons } = asked;
    const hasFocus = document.activeElement === buttons.stop;
    asked.note = note;
    asked = null;
    show();
    if (hasFocus) buttons.run.focus();
  }

  function show() {
    const loaded = packages in window.KDLITE;
    for (const cell of cells) {
      if (!cell.root) continue;
      const { run, stop, edit, reset } = cell.buttons;
      run.disabled = Boolean(asked);
      stop.hidden = cell !== asked;
      edit.hidden = Boolean(cell.editor);
      reset.hidden = !(cell.editor || cell.isFresh);
      reset.disabled = Boolean(asked);
      cell.status.textContent = cell.note || (loaded || asked ? "" : IDLE);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    ({ python } = window.KDLITE);
    cells = JSON.parse(document.getElementById("kdlite-cells").textContent).map((cell, index) => new Cell(cell, index));
    show();
  });
})();
