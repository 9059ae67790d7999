// What a live kernel adds: it is asked for fits and samples, and the modes of p* can be moved. Answers come as traits.

const PATIENCE = 6000; // milliseconds before a kernel counts as silent

class Live {
  constructor(explorer) {
    this.explorer = explorer;
    this.answers = false; // until the kernel has said that it is there
    this.dragging = false;
    this.handles = make("div", { class: "kd-handles", hidden: true });
    const { model } = explorer;
    explorer.on("msg:custom", (message) => {
      if (message?.kind !== "here") return;
      this.answers = true;
      explorer.schedule();
    });
    try {
      model.send({ kind: "hello" });
    } catch { /* no kernel at all */ }
  }

  // Whether the last question has waited too long.
  get isSilent() {
    return Boolean(this.silent) && this.silent === this.explorer.model.get("question").id && this.pending();
  }

  // Ask for a fit ("current" or "curve") or for sampled runs ("runs").
  ask(kind, values = {}) {
    if (!this.answers) return;
    const id = `${Date.now()}-${Math.random()}`;
    this.explorer.change({ question: { id, kind, about: this.about(values) }, ...values });
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      if (!this.pending()) return;
      this.silent = id;
      this.explorer.schedule();
    }, PATIENCE);
  }

  // What a question is about: the truth and the setting, but for beta.
  about({ modes = this.explorer.model.get("modes") } = {}) {
    const { beta, ...setting } = this.explorer.setting;
    return JSON.stringify([setting, modes]);
  }

  pending() {
    const { id, kind } = this.explorer.model.get("question");
    const answer = this.explorer.decoded(kind === "runs" ? "cloud" : "answer");
    return id !== undefined && answer?.header.question !== id;
  }

  // Ask for the whole curve, once for each truth and setting.
  refit() {
    const { kind, about } = this.explorer.model.get("question");
    if (this.answers && (kind !== "curve" || about !== this.about())) this.ask("curve");
  }

  // The modes of p* as buttons over the plane: dragged, or moved with the arrow keys.
  placeHandles(truth) {
    this.handles.hidden = !this.answers;
    if (!this.answers) return;
    const modes = Array.from({ length: truth.length / 6 }, (_, k) => [truth[6 * k + 1], truth[6 * k + 2]]);
    while (this.handles.children.length < modes.length) this.handles.append(this.makeHandle(this.handles.children.length));
    modes.forEach(([x, y], k) => {
      const handle = this.handles.children[k];
      handle.style.left = `${(100 * (x + EXTENT)) / (2 * EXTENT)}%`;
      handle.style.top = `${(100 * (EXTENT - y)) / (2 * EXTENT)}%`;
      handle.setAttribute("aria-label", `Mode ${k + 1} of p* at ${number(x)}, ${number(y)}`);
    });
    this.modes = modes;
  }

  makeHandle(k) {
    const handle = make("button", { type: "button" });
    const move = (x, y, kind) => {
      const modes = this.modes.map((mode) => [...mode]);
      modes[k] = [x, y].map((value) => Math.max(-1.9, Math.min(1.9, Math.round(100 * value) / 100)));
      this.ask(kind, { modes });
    };
    handle.addEventListener("pointerdown", (event) => {
      this.dragging = true;
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const box = this.handles.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * 2 * EXTENT - EXTENT;
      move(x, EXTENT - ((event.clientY - box.top) / box.height) * 2 * EXTENT, "current");
    });
    handle.addEventListener("lostpointercapture", () => {
      this.dragging = false;
      if (this.explorer.model.get("modes").length) this.ask("curve");
    });
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [-0.05, 0], ArrowRight: [0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
      if (!step) return;
      event.preventDefault();
      move(this.modes[k][0] + step[0], this.modes[k][1] + step[1], "curve");
    });
    return handle;
  }
}
