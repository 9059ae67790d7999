// The figure of a run: the frontier along tau, and texts of one model at one tau. Everything that a reader can change
// is in the model, so views of one model stay together. Names in the state are text, never markup.

const WHOSE = { distilled: "distilled student", cooled: "direct student, cooled", teacher: "teacher" };
const percent = (share) => `${number(100 * share, 0)}\u00a0%`;

// The state of the run, or an error that says what is wrong with it.
function checkRun(run) {
  if (!run?.taus?.length) throw new Error("its run is missing");
  for (const name of Object.keys(WHOSE)) {
    const { points, rows } = run.curves?.[name] ?? {};
    if (points?.length !== run.taus.length || rows?.length !== run.taus.length) throw new Error("its run is damaged");
  }
  if (!COLOURINGS[run.colouring]) throw new Error(`it has no colouring by "${run.colouring}"`);
  return run;
}

class TemperatureExplorer {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.undo = [];
    this.run = checkRun(model.get("run"));
    this.build();
    this.listen();
    this.draw();
  }

  build() {
    const { taus, seeds, colouring } = this.run;
    const { panel, texts, first, seen } = COLOURINGS[colouring];
    const marks = taus.filter((tau, i) => i === 0 || i === taus.length - 1 || (i === taus.length >> 1 && taus.length > 4));
    this.slider = makeSlider("tau", ["τ"], taus, (tau) => `${tau}`, marks, (tau) => this.change({ tau }));
    this.slider.input.setAttribute("aria-label", "τ, the temperature");
    const group = `kd-whose-${Math.random().toString(36).slice(2)}`;
    this.choices = Object.fromEntries(Object.keys(WHOSE).map((curve) => {
      const input = make("input", { type: "radio", name: group, value: curve });
      input.addEventListener("change", () => this.change({ curve }));
      return [curve, input];
    }));
    const labels = Object.entries(this.choices).map(([curve, input]) => make("label", { class: "kd-check" }, input, WHOSE[curve]));
    this.svg = makePicture({ "aria-label": "Precision against recall along tau" });
    this.numbers = makeNumbers("nats a token");
    this.panel = panel(this.run);
    this.texts = texts(this.run);
    this.words = make("p", { class: "kd-words kd-wide", "aria-hidden": "true" });
    this.spoken = make("p", { class: "kd-spoken", "aria-live": "polite" });
    this.message = make("p", { class: "kd-message", role: "alert", hidden: true });
    const notes = seeds.length > 1 ? `Curves and numbers are medians over ${seeds.length} students; ${seen}.` : "All is of one student.";
    this.figure = make("div", { class: "kd-figure" },
      this.slider.element,
      ...(first ? [this.texts.element] : []),
      make("div", { class: "kd-chart" }, this.svg),
      make("div", { class: "kd-settings" },
        make("fieldset", {}, make("legend", {}, "Texts of the"), ...labels),
        this.numbers.element,
        this.panel.element),
      ...(first ? [] : [this.texts.element]),
      this.words,
      make("p", { class: "kd-notes kd-wide" }, notes));
    this.root = make("div", { class: "kd-explorer kd-temperature" }, this.figure, this.message, this.spoken);
    this.el.replaceChildren(this.root);
  }

  listen() {
    const draw = () => this.draw();
    for (const name of ["tau", "curve"]) {
      this.model.on(`change:${name}`, draw);
      this.undo.push(() => this.model.off(`change:${name}`, draw));
    }
    const recolour = () => readColours(this.root);
    const theme = new MutationObserver(recolour);
    for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
    const size = new ResizeObserver(draw);
    size.observe(this.svg);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", recolour);
    this.undo.push(() => theme.disconnect(), () => size.disconnect(), () => dark.removeEventListener("change", recolour));
  }

  remove() {
    clearTimeout(this.speaking);
    for (const call of this.undo) call();
  }

  change(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    this.model.save_changes();
  }

  draw() {
    try {
      this.drawAll();
      this.message.hidden = true;
      this.figure.hidden = false;
    } catch (error) {
      this.figure.hidden = true;
      this.message.hidden = false;
      this.message.textContent = `This interactive figure cannot be shown: ${error.message}.`;
    }
  }

  drawAll() {
    const { run } = this;
    const [tau, curve] = [this.model.get("tau"), this.model.get("curve")];
    const index = run.taus.indexOf(tau);
    if (index < 0) throw new Error(`it has no tau of ${tau}`);
    if (!WHOSE[curve]) throw new Error(`it has no curve "${curve}"`);
    readColours(this.root);
    this.slider.show(tau);
    this.slider.input.setAttribute("aria-valuetext", `tau = ${tau}`);
    for (const [name, input] of Object.entries(this.choices)) input.checked = name === curve;
    drawRun(this.svg, run, index, curve);
    const now = Object.fromEntries(Object.entries(run.curves).map(([name, { points }]) => [name, points[index]]));
    this.numbers.show({ now: { ...now, direct: run.direct } });
    const key = `${curve} ${tau}`;
    if (this.listed === key) return; // only the size has changed
    this.listed = key;
    const row = run.curves[curve].rows[index];
    this.panel.show(row, curve, tau);
    this.texts.show(row, `Texts of the ${WHOSE[curve]} at τ = ${tau}`);
    const words =
      `At τ = ${tau} the ${WHOSE[curve]} has precision ${number(now[curve][0])} and recall ${number(now[curve][1])}. ` +
      this.panel.say(row);
    this.words.textContent = words;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => (this.spoken.textContent = words), 700);
  }
}

function render({ model, el }) {
  let explorer;
  try {
    explorer = new TemperatureExplorer(model, el);
  } catch (error) {
    const text = `This interactive figure cannot be shown: ${error.message}.`;
    el.replaceChildren(make("div", { class: "kd-explorer" }, make("p", { class: "kd-message", role: "alert" }, text)));
  }
  return () => explorer?.remove();
}

export default { render };
