// The explorer: one figure with its controls, drawn from the state of its model. Everything that a reader can change
// is in the model, so views of one model stay together, and a page may hold many explorers: each draws for itself, and
// new pictures only while a reader can see them.

const TRAITS = ["beta", "student_components", "teacher_components", "profile", "samples", "runs", "modes", "question", "answer", "cloud"];

class Explorer {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.undo = [];
    this.view = { heat: {}, samples: new Samples(), pointed: -1 };
    this.inView = true; // until the browser says otherwise
    this.trail = null; // the beta from which it plays, or has played
    this.family = familyOf(model.get("family"));
    this.travel = new Travel(this.family);
    this.player = new Player(this.travel, (beta) => this.change({ beta }), () => this.schedule());
    this.live = new Live(this);
    this.figure = new Figure(this);
    this.el.replaceChildren(this.figure.root);
    this.listen();
    this.draw();
    this.live.greet();
  }

  on(event, call) {
    this.model.on(event, call);
    this.undo.push(() => this.model.off(event, call));
  }

  listen() {
    const { root, canvases } = this.figure;
    for (const name of TRAITS) this.on(`change:${name}`, () => this.schedule());
    const view = new IntersectionObserver((entries) => {
      this.inView = entries.at(-1).isIntersecting;
      if (this.inView && this.outdated) this.schedule();
      if (this.inView) this.playAtFirst();
    });
    view.observe(root);
    // Sizes, colours and paper concern the whole page, and what is out of sight as well.
    const all = Object.values(canvases);
    const size = new ResizeObserver(() => all.some(isResized) && this.drawUnseen());
    for (const canvas of all) size.observe(canvas);
    const recolour = () => root.dataset.theme !== pageTheme() && this.drawUnseen();
    const theme = new MutationObserver(recolour); // sees other attributes change, too, such as when a page is scrolled
    for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", recolour);
    const print = () => this.outdated && this.drawUnseen();
    window.addEventListener("beforeprint", print);
    this.undo.push(() => view.disconnect(), () => size.disconnect(), () => theme.disconnect(),
      () => dark.removeEventListener("change", recolour), () => window.removeEventListener("beforeprint", print));

    const touch = () => {
      this.isTouched = true;
      if (this.isGentle) this.player.stop();
    };
    for (const event of ["pointerdown", "keydown"]) root.addEventListener(event, touch, { capture: true });
    const plane = canvases.plane.parentElement;
    plane.addEventListener("pointermove", (event) => {
      const box = plane.getBoundingClientRect();
      const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      this.point(componentAt(this.path.picture.teacher, EXTENT * (2 * x - 1), EXTENT * (1 - 2 * y)));
    });
    plane.addEventListener("pointerleave", () => this.point(-1));
  }

  remove() {
    this.player.stop();
    clearTimeout(this.figure.speaking);
    clearTimeout(this.live.waiting);
    cancelAnimationFrame(this.frame);
    this.frame = -1;
    for (const call of this.undo) call();
  }

  change(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  // What a reader changes, which ends what plays.
  set(values) {
    this.trail = null;
    this.player.stop();
    this.change(values);
  }

  get setting() {
    return Object.fromEntries(["beta", ...Object.keys(SETTINGS)].map((name) => [name, this.model.get(name)]));
  }

  // Which samples are drawn: those of the student or of the truth, and maybe of the teacher.
  draws(name, on) {
    const others = this.model.get("samples").filter((other) => (name === "teacher") !== (other === "teacher"));
    this.change({ samples: on ? [...others, name] : others });
  }

  // The teacher's component that a reader points at, -1 for none.
  point(k) {
    if (k === this.view.pointed) return;
    this.view.pointed = k;
    this.schedule();
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
      this.outdated = !this.inView && !this.unseen;
      this.unseen = false;
      this.view.drawn = this.model.get("samples");
      this.view.samples.follow(shown.picture, this.view.drawn, start, this.outdated || isStill());
      if (!this.outdated) this.paint(shown);
      this.figure.show(shown); // texts and controls follow at once even where nobody sees them
      this.live.placeHandles(this.truthNow());
    } catch (error) {
      this.player.stop();
      this.figure.fail(error);
      return;
    }
    if (this.outdated) return;
    const detail = { setting: this.setting, milliseconds: performance.now() - start, pending: this.live.pending() };
    this.el.dispatchEvent(new CustomEvent("kdlite:frame", { bubbles: true, detail }));
  }

  paint(shown) {
    const { picture } = shown;
    const { root, canvases } = this.figure;
    const colours = readColours(root);
    drawPlane(canvases.plane, picture, colours, this.view);
    drawScale(canvases.scale, picture, colours, this.view.drawn);
    drawFrontier(canvases.frontier, shown, colours, this.trail);
    drawParts(canvases.parts, picture, colours);
    if (this.view.samples.moves) this.schedule();
  }

  // The picture of a setting in a family; the path there is kept while neither changes.
  pictureIn(family, { beta, ...setting }) {
    const key = JSON.stringify(setting);
    if (this.path?.family !== family || this.path.key !== key) {
      this.path = Object.assign(new Path(family, setting), { family, key });
      this.figure.knob.notch(family.header.betas.slice(1).filter((_, i) => this.path.jumps[i]));
    }
    return this.path.at(beta);
  }

  // What to draw for the state of the model.
  shown() {
    const { setting } = this;
    const modes = this.model.get("modes");
    if (!modes.length) {
      this.last = this.pictureIn(this.family, setting);
      return { picture: this.last, runs: this.runsAt(setting, modes) };
    }
    const answer = this.decoded("answer");
    const same = (value) => JSON.stringify(value) === JSON.stringify(modes);
    const fits = answer && has(answer, setting);
    if (!fits || (!this.live.dragging && !same(answer.header.modes))) this.live.refit();
    const last = this.last ?? this.pictureIn(this.family, setting);
    const found = fits ? this.pictureIn(answer, setting) : last;
    const picture = { ...found, truth: Float32Array.from(modes.flat()) };
    if (!fits) return { picture: { ...picture, setting }, runs: [], stale: true };
    const stale = answer.header.betas.length === 1;
    // A single fit is drawn on the curves before it.
    if (stale) for (const name of ["betas", "curves", "entropies", "jumps"]) picture[name] = last[name];
    else this.last = found;
    return { picture, runs: this.runsAt(setting, modes), stale };
  }

  // The modes of the truth that is shown: weight, mean (2) and covariance (3) of each.
  truthNow() {
    const modes = this.model.get("modes");
    if (modes.length) return modes.map((mode) => [...mode]);
    const truth = part(this.family, "truth", this.family.header.profiles.indexOf(this.setting.profile));
    return Array.from({ length: truth.length / 6 }, (_, k) => [...truth.subarray(6 * k, 6 * k + 6)]).filter(([weight]) => weight > 0);
  }

  // The cloud of sampled runs to draw, as rows of precision and recall, distilled and direct; empty for none.
  runsAt(setting, modes) {
    const kind = this.model.get("runs");
    if (!kind) return [];
    const source = kind === "paper" ? this.family : this.decoded("cloud");
    const at = source?.header.runs;
    if (!at || (at.modes && JSON.stringify(at.modes) !== JSON.stringify(this.truthNow())) || (kind === "paper" && modes.length)) return [];
    if (Object.keys(setting).some((name) => at[name] !== setting[name])) return [];
    const flat = part(source, "runs");
    return Array.from({ length: flat.length / 4 }, (_, i) => flat.subarray(4 * i, 4 * i + 4));
  }

  // The family in another trait of bytes, or null.
  decoded(name) {
    const view = this.model.get(name);
    return view?.byteLength ? familyOf(view) : null;
  }

  play() {
    const beta = this.model.get("beta");
    this.isGentle = false;
    this.trail = beta < this.travel.betas.at(-1) ? beta : this.path.start;
    this.player.start(this.trail);
    this.schedule();
  }

  // Once, when it is first seen, where that was asked for; until somebody touches it.
  playAtFirst() {
    if (!this.model.get("play") || this.isTouched || isStill()) return;
    this.isTouched = this.isGentle = true;
    this.trail = this.path.start;
    this.player.start(this.trail, WAY.gently);
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

export { Cloud, Travel, decodeFamily, logDensity, part, pictureOf, prepare };
export default { render };
