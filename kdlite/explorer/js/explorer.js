// The explorer: one figure with its controls, drawn from the state of its model. Everything that a reader can change
// is in the model, so views of one model stay together, and a page may hold many explorers: each draws for itself, and
// new pictures only while a reader can see them.

const STEP = { moving: 170, still: 900 }; // milliseconds a stop while playing

class Explorer {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.undo = [];
    this.heat = {};
    this.inView = true; // until the browser says otherwise
    this.family = familyOf(model.get("family"));
    this.live = new Live(this);
    this.build();
    this.listen();
    this.draw();
  }

  build() {
    const { header } = this.family;
    const set = (name) => (value) => {
      if (name === "beta") this.stop();
      this.change({ [name]: value });
    };
    const count = (value) => `${value}`;
    const marks = header.betas.filter((beta) => [0, 1, 10, 100].includes(beta));
    this.sliders = {
      beta: makeSlider("beta", ["β"], header.betas, count, marks, set("beta")),
      student_components: makeSlider(
        "components", [symbol("student", "student"), " components"],
        header.student_components, count, [], set("student_components"),
      ),
      teacher_components: makeSlider(
        "components", [symbol("teacher", "teacher"), " components"],
        header.teacher_components, count, [], set("teacher_components"),
      ),
      profile: makeSlider(
        "profile", [symbol("truth", "truth"), " weights"], header.profiles, count, [], set("profile"),
      ),
    };
    this.plane = make("canvas", { role: "img", "aria-label": "The plane: truth, teacher components and student" });
    this.frontier = make("canvas", { role: "img", "aria-label": "Precision against recall along beta" });
    this.weights = make("canvas", { role: "img", "aria-label": "The teacher's weights" });
    this.numbers = makeNumbers();
    this.entropy = make("span", { class: "kd-entropy" });
    this.notes = make("p", { class: "kd-notes", role: "status" });
    this.words = make("p", { class: "kd-words", "aria-hidden": "true" });
    this.spoken = make("p", { class: "kd-spoken", "aria-live": "polite" });
    this.message = make("p", { class: "kd-message", role: "alert", hidden: true });
    this.playButton = makeButton("Play", () => (this.timer ? this.stop() : this.play()), { class: "kd-play" });
    this.paperButton = makeButton("The paper’s run", () => this.showPaper(), { "aria-pressed": "false" });
    this.paperButton.hidden = !header.runs;
    this.newButton = makeButton("New samples", () => this.live.draw(), { disabled: true });
    this.resetButton = makeButton("Put the modes back", () => this.change({ modes: [] }));
    this.checks = Object.fromEntries(
      ["truth", "teacher", "student"].map((name) => [name, makeCheckbox(symbol(name, name), (on) => this.toggle(name, on))]),
    );
    const { beta, ...others } = this.sliders;
    const slider = (s) => s.element;
    this.figure = make("div", { class: "kd-figure" },
      make("div", { class: "kd-plane" }, this.plane, this.live.handles, this.live.waking),
      make("div", { class: "kd-knob" }, beta.element, this.playButton),
      make("div", { class: "kd-side" },
        make("div", { class: "kd-frontier" }, this.frontier),
        make("p", { class: "kd-title" }, symbol("teacher", "teacher’s weights"), " ", this.entropy),
        make("div", { class: "kd-weights" }, this.weights)),
      make("div", { class: "kd-sliders" }, ...Object.values(others).map(slider)),
      this.numbers.element,
      make("div", { class: "kd-buttons" }, this.paperButton, this.newButton, this.resetButton,
        make("fieldset", {}, make("legend", {}, "Draw samples of"), ...Object.values(this.checks).map((c) => c.element))),
      this.words,
      this.notes,
    );
    this.root = make("div", { class: "kd-explorer" }, this.figure, this.message, this.spoken);
    this.el.replaceChildren(this.root);
  }

  on(event, call) {
    this.model.on(event, call);
    this.undo.push(() => this.model.off(event, call));
  }

  listen() {
    for (const name of ["beta", "student_components", "teacher_components", "profile", "samples", "runs", "modes",
      "question", "answer", "cloud"]) this.on(`change:${name}`, () => this.schedule());
    const view = new IntersectionObserver((entries) => {
      this.inView = entries.at(-1).isIntersecting;
      if (this.inView && this.outdated) this.schedule();
    });
    view.observe(this.root);
    // Sizes, colours and paper concern the whole page, and what is out of sight as well.
    const canvases = [this.plane, this.frontier, this.weights];
    const size = new ResizeObserver(() => canvases.some(isResized) && this.drawUnseen());
    for (const canvas of canvases) size.observe(canvas);
    const recolour = () => this.root.dataset.theme !== pageTheme() && this.drawUnseen();
    const theme = new MutationObserver(recolour); // sees other attributes change, too, such as when a page is scrolled
    for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", recolour);
    const print = () => this.outdated && this.drawUnseen();
    window.addEventListener("beforeprint", print);
    this.undo.push(() => view.disconnect(), () => size.disconnect(), () => theme.disconnect(),
      () => dark.removeEventListener("change", recolour), () => window.removeEventListener("beforeprint", print));
  }

  remove() {
    this.stop();
    clearTimeout(this.speaking);
    clearTimeout(this.live.waiting);
    cancelAnimationFrame(this.frame);
    this.frame = -1;
    for (const call of this.undo) call();
  }

  change(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  get setting() {
    return Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, this.model.get(name)]));
  }

  // The first change is drawn at once; those that follow before the next frame are drawn together, in that frame.
  schedule() {
    if (this.frame) {
      this.again = true;
      return;
    }
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.again) this.schedule();
    });
    this.again = false;
    this.draw();
  }

  drawUnseen() {
    this.unseen = true;
    this.draw();
  }

  draw() {
    const start = performance.now();
    try {
      const shown = this.shown();
      this.message.hidden = true;
      this.figure.hidden = false;
      this.outdated = !this.inView && !this.unseen;
      this.unseen = false;
      if (!this.outdated) this.paint(shown);
      this.write(shown);
    } catch (error) {
      this.stop();
      this.figure.hidden = true;
      this.message.hidden = false;
      this.message.textContent = `This interactive figure cannot be shown: ${error.message}.`;
      return;
    }
    if (this.outdated) return;
    const detail = { setting: this.setting, milliseconds: performance.now() - start, pending: this.live.pending() };
    this.el.dispatchEvent(new CustomEvent("kdlite:frame", { bubbles: true, detail }));
  }

  paint(shown) {
    const colours = readColours(this.root);
    drawPlane(this.plane, shown.picture, colours, this.heat, this.model.get("samples"));
    drawFrontier(this.frontier, shown, colours);
    drawWeights(this.weights, shown.picture, colours);
  }

  // The controls and texts, which cost little, follow at once even where nobody sees them.
  write(shown) {
    const { picture, runs } = shown;
    const samples = this.model.get("samples");
    for (const [name, value] of Object.entries(this.setting)) this.sliders[name].show(value);
    for (const [name, { input }] of Object.entries(this.checks)) input.checked = samples.includes(name);
    this.numbers.show(picture);
    this.entropy.textContent = `entropy ${number(picture.entropy, 3)} nats`;
    this.paperButton.setAttribute("aria-pressed", String(runs.length > 0 && this.model.get("runs") === "paper"));
    this.newButton.disabled = !this.live.answers;
    this.resetButton.hidden = !this.model.get("modes").length;
    this.live.placeHandles(this.truthNow());
    this.note(shown);
    const words = shown.stale ? "Fitting teacher and student to this truth …" : inWords(picture);
    this.figure.toggleAttribute("data-dim", Boolean(shown.stale) && this.live.state !== "here");
    this.words.textContent = words;
    this.speak(words);
  }

  // What to draw for the state of the model.
  shown() {
    const { setting } = this;
    const modes = this.model.get("modes");
    if (!modes.length) {
      this.last = pictureOf(this.family, setting);
      return { picture: this.last, runs: this.runsAt(setting, modes) };
    }
    const stored = pictureOf(this.family, setting);
    const truth = Float32Array.from(modes.flat());
    const answer = this.decoded("answer");
    const same = (value) => JSON.stringify(value) === JSON.stringify(modes);
    const fits = answer && has(answer, setting);
    if (!fits || (!this.live.dragging && !same(answer.header.modes))) this.live.refit();
    if (!fits) return { picture: { ...(this.last ?? stored), setting, truth }, runs: [], stale: true };
    const picture = { ...pictureOf(answer, setting), truth };
    const stale = answer.header.betas.length === 1;
    if (stale) picture.curves = (this.last ?? stored).curves;
    else this.last = picture;
    return { picture, runs: this.runsAt(setting, modes), stale };
  }

  // The modes of the truth that is shown: weight, mean (2) and covariance (3) of each.
  truthNow() {
    const modes = this.model.get("modes");
    if (modes.length) return modes.map((mode) => [...mode]);
    const { truth } = pictureOf(this.family, this.setting);
    return Array.from({ length: truth.length / 6 }, (_, k) => [...truth.subarray(6 * k, 6 * k + 6)]).filter(([weight]) => weight > 0);
  }

  // The cloud of sampled runs to draw, as rows of precision and recall, distilled and direct; empty for none.
  runsAt(setting, modes) {
    const kind = this.model.get("runs");
    if (!kind) return [];
    const source = kind === "paper" ? this.family : this.decoded("cloud");
    const at = source?.header.runs;
    if (!at || (at.modes && JSON.stringify(at.modes) !== JSON.stringify(this.truthNow())) || (kind === "paper" && modes.length)) return [];
    if (Object.keys(SETTINGS).some((name) => at[name] !== setting[name])) return [];
    const flat = part(source, "runs");
    return Array.from({ length: flat.length / 4 }, (_, i) => flat.subarray(4 * i, 4 * i + 4));
  }

  // The family in another trait of bytes, or null.
  decoded(name) {
    const view = this.model.get(name);
    return view?.byteLength ? familyOf(view) : null;
  }

  note({ picture, runs }) {
    const notes = [];
    if (picture.dead) notes.push("The exact teacher’s weights are equal, so sharpening changes nothing: the knob is dead here.");
    if (runs.length) {
      const which = this.model.get("runs") === "paper" ? "stored" : "new";
      notes.push(`Dots: ${runs.length} ${which} runs of the paper’s sampled recipe at this setting, distilled and direct; ` +
        "rings and lines: the exact answer.");
    }
    notes.push(this.live.note());
    const text = notes.join(" ");
    if (this.notes.textContent !== text) this.notes.textContent = text;
  }

  speak(words) {
    clearTimeout(this.speaking);
    if (this.timer || this.spoken.textContent === words) return;
    this.speaking = setTimeout(() => (this.spoken.textContent = words), 700);
  }

  play() {
    const { betas } = this.family.header;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = () => {
      const index = betas.indexOf(this.model.get("beta")) + 1;
      if (index >= betas.length) return this.stop();
      this.change({ beta: betas[index] });
      if (this.timer) this.timer = setTimeout(step, still ? STEP.still : STEP.moving);
    };
    this.playButton.textContent = "Pause";
    this.timer = setTimeout(step, 0);
    if (this.model.get("beta") === betas.at(-1)) this.change({ beta: betas[0] });
  }

  stop() {
    if (!this.timer) return;
    clearTimeout(this.timer);
    this.timer = 0;
    this.playButton.textContent = "Play";
    this.schedule();
  }

  showPaper() {
    this.stop();
    if (this.paperButton.getAttribute("aria-pressed") === "true") return this.change({ runs: "" });
    this.change({ ...this.family.header.runs, modes: [], runs: "paper" });
  }

  toggle(name, on) {
    const others = this.model.get("samples").filter((other) => other !== name);
    this.change({ samples: on ? [...others, name] : others });
  }
}

function render({ model, el }) {
  let explorer;
  try {
    explorer = new Explorer(model, el);
  } catch (error) {
    const text = `This interactive figure cannot be shown: ${error.message}.`;
    el.replaceChildren(make("div", { class: "kd-explorer" }, make("p", { class: "kd-message", role: "alert" }, text)));
  }
  return () => explorer?.remove();
}

export { decodeFamily, logDensity, part, pictureOf, prepare };
export default { render };
