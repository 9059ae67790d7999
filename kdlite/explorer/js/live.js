// What Python adds: teacher and student are fitted again to a truth that the reader changes, and samples are drawn anew.
// Python is a kernel, or wakes in the page when it is first needed; both get the same messages (session.py). One question
// is under way at a time, and the next is about what the reader has come to meanwhile. Answers come as traits.

const PATIENCE = 6000; // milliseconds before a kernel counts as silent
const MOST_RUNS = 300;
const BUSY = "A cell of this page is running. Until it is done, the sliders show stored fits.";

class Live {
  constructor(explorer) {
    this.explorer = explorer;
    this.state = "none"; // then, as the other side says: "asleep", "waking", "here", "busy" with a cell, or "failed"
    this.isOfPage = false;
    this.touched = false;
    this.dragging = false;
    this.asked = this.wanted = null; // a question under way, and the one after it: { id, kind }
    this.refused = ""; // why the last question was not answered
    this.handles = make("div", { class: "kd-handles", hidden: true });
    this.bar = make("progress", { max: 1 });
    this.waking = make("label", { class: "kd-waking", hidden: true }, "starting Python, 12 MB, once", this.bar);
    this.truth = new Truth(explorer, (modes, kind) => {
      this.wake();
      this.ask(kind, { modes });
    });
    explorer.on("msg:custom", (message) => this.hear(message ?? {}));
  }

  greet() {
    this.send({ kind: "hello" });
  }

  // The truth in the page's address, on a page that has Python; it is fitted when the reader touches it.
  restore() {
    const { modes, unread } = this.truth.restored();
    if (unread) this.refused = "the address of this page holds none that can be drawn";
    if (modes) this.explorer.change({ modes });
  }

  send(message) {
    try {
      this.explorer.model.send(message);
    } catch { /* no kernel at all */ }
  }

  hear({ kind, id, share = 0, reason = "" }) {
    if (["asleep", "waking", "here", "busy", "failed"].includes(kind)) {
      Object.assign(this, { state: kind, reason });
      if (kind === "busy") this.isOfPage = true;
      this.waking.hidden = kind !== "waking" || !this.touched;
      this.bar.value = share;
      if (kind === "failed") this.giveUp();
      if (kind === "asleep" && !this.isOfPage) this.restore();
      if (kind === "asleep") Object.assign(this, { isOfPage: true, touched: false, asked: null, wanted: this.wanted ?? this.asked });
    } else if (this.asked && id === this.asked.id) {
      const { asked } = this;
      this.asked = null;
      this.refused = kind === "refused" ? reason : "";
      if (this.refused) this.explorer.change({ modes: [] });
      else if (asked.kind === "runs" && !this.wanted) this.runOn();
    } else return;
    this.next();
    this.explorer.schedule();
  }

  // Whether questions are answered, now or once Python is awake.
  get answers() {
    return ["asleep", "waking", "here"].includes(this.state);
  }

  get isSilent() {
    return Boolean(this.silent) && this.silent === this.asked?.id;
  }

  pending() {
    return Boolean(this.asked || this.wanted);
  }

  // The reader has taken hold of something that needs Python.
  wake() {
    this.touched = true;
    if (this.state === "asleep") this.send({ kind: "wake" });
  }

  giveUp() {
    this.asked = this.wanted = null;
    this.explorer.change({ modes: [] });
  }

  // What to say at once; of a failure nothing in an explorer that nobody touched.
  note() {
    if (this.state === "failed" && this.touched) {
      return `Python could not start in this page (${this.reason}). The sliders and the stored fits go on working.`;
    }
    if (this.refused) return `This truth cannot be fitted: ${this.refused}.`;
    if (this.isSilent) return "The kernel has not answered; run the cell again.";
    if (this.state === "busy" && this.touched) return BUSY;
    if (this.wanted && !this.touched && this.state === "asleep") return "Touch a mode, and teacher and student are fitted to this truth.";
    if (!this.pending()) return "";
    return (this.wanted ?? this.asked).kind === "runs" ? "Drawing samples …" : "Fitting …";
  }

  hint() {
    if (this.state === "busy") return BUSY;
    if (this.answers) return "Drag a mode of p*, or move it with the arrow keys: teacher and student refit.";
    return "Dragging a mode of p* and drawing new samples need a live kernel: open the notebook in JupyterLab or Colab.";
  }

  // Want a fit ("current" or "curve") or sampled runs ("runs"), with these changes.
  ask(kind, values = {}) {
    if (!this.answers) return;
    const id = `${Date.now()}-${Math.random()}`;
    this.wanted = { id, kind };
    this.refused = "";
    this.explorer.change({ ...values, question: { id, kind, about: this.about(values) } });
    this.next();
  }

  // What a question is about: the truth and the setting, but for beta.
  about({ modes = this.explorer.model.get("modes") } = {}) {
    const { beta, ...setting } = this.explorer.setting;
    return JSON.stringify([setting, modes]);
  }

  next() {
    if (this.asked || !this.wanted) return;
    if (this.state !== "here") return void (this.touched && this.wake());
    const { id, kind } = (this.asked = this.wanted);
    this.wanted = null;
    const { beta, ...setting } = this.explorer.setting;
    const at = { runs: { beta }, current: { betas: [beta] }, curve: { betas: this.explorer.family.header.betas } }[kind];
    this.send({ id, kind: kind === "runs" ? "runs" : "fit", truth: this.explorer.truthNow(), ...setting, ...at });
    clearTimeout(this.waiting);
    if (this.isOfPage) return; // it is there, however slow the machine
    this.waiting = setTimeout(() => {
      this.silent = id;
      this.explorer.schedule();
    }, PATIENCE);
  }

  // Sampled runs, by the reader's wish.
  draw() {
    this.wake();
    this.ask("runs", { runs: "new" });
  }

  // Some runs have come: want more, as long as they are those of what is shown.
  runOn() {
    const { explorer } = this;
    const runs = explorer.runsAt(explorer.setting, explorer.model.get("modes"));
    if (explorer.model.get("runs") === "new" && runs.length && runs.length < MOST_RUNS) this.ask("runs");
  }

  // Want the whole curve, once for each truth and setting.
  refit() {
    const { kind, about } = this.explorer.model.get("question");
    if (kind !== "curve" || about !== this.about()) this.ask("curve");
  }

  // The modes of p* as buttons over the plane: dragged, or moved with the arrow keys.
  placeHandles(rows) {
    this.handles.hidden = !this.answers;
    this.truth.show(rows, this.answers);
    if (!this.answers) return;
    if (this.isOfPage && !this.pending()) this.truth.address(this.explorer.model.get("modes"));
    while (this.handles.children.length < rows.length) this.handles.append(this.makeHandle(this.handles.children.length));
    while (this.handles.children.length > rows.length) this.handles.lastChild.remove();
    rows.forEach(([, x, y], k) => {
      const handle = this.handles.children[k];
      handle.style.left = `${(100 * (x + EXTENT)) / (2 * EXTENT)}%`;
      handle.style.top = `${(100 * (EXTENT - y)) / (2 * EXTENT)}%`;
      handle.setAttribute("aria-label", `Mode ${k + 1} of p* at ${number(x)}, ${number(y)}`);
    });
  }

  makeHandle(k) {
    const handle = make("button", { type: "button" });
    const place = () => this.explorer.truthNow()[k].slice(1, 3);
    const move = (at, kind) => {
      this.touched = true;
      const modes = this.explorer.truthNow();
      modes[k] = [modes[k][0], ...at.map(round), ...modes[k].slice(3)];
      this.ask(kind, { modes });
    };
    handle.addEventListener("focus", () => this.truth.choose(k));
    handle.addEventListener("pointerdown", (event) => {
      this.wake();
      this.truth.choose(k);
      this.dragging = true;
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = this.handles.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * 2 * EXTENT - EXTENT;
      move([x, EXTENT - ((event.clientY - box.top) / box.height) * 2 * EXTENT], "current");
    });
    handle.addEventListener("lostpointercapture", () => {
      this.dragging = false;
      if (this.explorer.model.get("modes").length) this.ask("curve");
    });
    handle.addEventListener("keydown", (event) => {
      if (event.key === "Delete" || event.key === "Backspace") this.truth.remove.click();
      const step = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
      if (!step) return;
      event.preventDefault();
      move(place().map((value, axis) => value + step[axis]), "curve");
    });
    return handle;
  }
}
