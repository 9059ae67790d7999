// The figure of a run: the frontier along tau, and texts of one model at one tau. Everything that a reader can change
// is in the model, so views of one model stay together. Names in the state are text, never markup.

const WHOSE = { distilled: "distilled student", cooled: "direct student, cooled", teacher: "teacher" };

// How the mark of a text colours it: `ground` is the ground of its token i, `number` stands beside the text, so that
// colour is never alone. A colouring by a number a token would be one more entry, with `ground` reading text.mark[i].
const COLOURINGS = {
  chain: {
    title: "the number and the colour are the chain that most likely made the text",
    ground: (text) => chainGround(text.mark),
    number: (text) => `${text.mark + 1}`,
    spoken: (text) => `chain ${text.mark + 1}: `,
  },
};

const chainGround = (chain) => `var(--kd-mark-${chain % 8})`;
const percent = (share) => `${number(100 * share, 0)}\u00a0%`;

function makeShape(tag, attributes, ...children) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  shape.append(...children);
  return shape;
}

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

// Numbers between two values, as round as possible, at most n of them.
function roundTicks(low, high, n) {
  const step = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50].find((each) => (high - low) / each <= n) ?? 100;
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return ticks;
}

// Precision upwards, recall to the right, as in the book's figures.
function drawRun(svg, run, index, curve) {
  const [width, height] = [svg.clientWidth, svg.clientHeight];
  const own = run.truth.score;
  const all = [run.direct, [own, own], ...Object.values(run.curves).flatMap(({ points }) => points)];
  const [bottom, top] = range(all.map(([p]) => p));
  const [left, right] = range(all.map(([, r]) => r));
  const box = { left: 40, right: width - 10, top: 26, bottom: height - 38 };
  const x = (recall) => box.left + ((recall - left) / (right - left)) * (box.right - box.left);
  const y = (precision) => box.bottom - ((precision - bottom) / (top - bottom)) * (box.bottom - box.top);
  const line = (x1, y1, x2, y2, name) => makeShape("line", { x1, y1, x2, y2, class: name });
  const text = (words, x0, y0, anchor = "start") => makeShape("text", { x: x0, y: y0, "text-anchor": anchor }, words);
  const shapes = [];
  for (const tick of roundTicks(bottom, top, 5)) {
    shapes.push(line(box.left, y(tick), box.right, y(tick), "kd-grid"), text(number(tick, 1), box.left - 6, y(tick) + 4, "end"));
  }
  for (const tick of roundTicks(left, right, Math.max(2, width / 80))) {
    shapes.push(line(x(tick), box.top, x(tick), box.bottom, "kd-grid"), text(number(tick, 1), x(tick), box.bottom + 16, "middle"));
  }
  shapes.push(
    text("↑ precision", 2, 14),
    text("truth: recall ≤ −H(p*)", box.right, 14, "end"),
    text("recall (nats a token) →", (box.left + box.right) / 2, height - 4, "middle"),
    line(x(own), box.top, x(own), box.bottom, "kd-limit"),
    star(x(own), y(own)),
  );
  for (const [name, { points }] of Object.entries(run.curves)) {
    const path = points.map(([p, r]) => `${x(r).toFixed(1)},${y(p).toFixed(1)}`).join(" ");
    shapes.push(makeShape("polyline", { points: path, class: "kd-curve", "data-curve": name, ...(name === curve && { "data-shown": "" }) }));
  }
  const [directX, directY] = [x(run.direct[1]), y(run.direct[0])];
  const turn = `rotate(45 ${directX} ${directY})`;
  shapes.push(makeShape("rect", { x: directX - 4.5, y: directY - 4.5, width: 9, height: 9, transform: turn, class: "kd-start" }));
  const names = Object.keys(WHOSE).filter((name) => name !== curve);
  for (const name of [...names, curve]) { // the chosen one on top
    const [p, r] = run.curves[name].points[index];
    shapes.push(makeShape("circle", { cx: x(r), cy: y(p), r: name === curve ? 7.5 : 4.5, class: "kd-point", "data-curve": name }));
  }
  svg.replaceChildren(...shapes);

  function range(values) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = 0.06 * (high - low || 1);
    return [low - margin, high + margin];
  }

  function star(cx, cy) {
    const corners = Array.from({ length: 10 }, (_, i) => {
      const [angle, radius] = [(i * Math.PI) / 5 - Math.PI / 2, i % 2 ? 3 : 7.5];
      return `${cx + radius * Math.cos(angle)},${cy + radius * Math.sin(angle)}`;
    });
    return makeShape("polygon", { points: corners.join(" "), class: "kd-star" });
  }
}

// One bar a chain, the truth's share as a line across it.
function makeBars(shares, truth) {
  const longest = 1.05 * Math.max(...shares, ...truth);
  const at = (tag, share) => {
    const element = make(tag);
    element.style.setProperty("--share", share / longest);
    return element;
  };
  return shares.map((share, chain) => {
    const own = at("i", share);
    own.style.setProperty("--ground", chainGround(chain));
    return make("li", {},
      make("span", { class: "kd-number" }, make("span", { class: "kd-spoken" }, "chain "), `${chain + 1}`),
      make("span", { class: "kd-bar", "aria-hidden": "true" }, own, at("b", truth[chain])),
      make("span", { class: "kd-share" }, percent(share), make("span", { class: "kd-spoken" }, `, truth ${percent(truth[chain])}`)));
  });
}

function makeText(text, colouring) {
  const tokens = [...text.tokens].map((token, i) => {
    const element = make("span", {}, token);
    element.style.setProperty("--ground", colouring.ground(text, i));
    return element;
  });
  return make("li", {},
    make("span", { class: "kd-number", "aria-hidden": "true" }, colouring.number(text)),
    make("span", { class: "kd-tokens" }, make("span", { class: "kd-spoken" }, colouring.spoken(text)), ...tokens));
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
    this.svg = makeShape("svg", { role: "img", "aria-label": "Precision against recall along tau" });
    this.numbers = makeNumbers("nats a token");
    this.bars = make("ul", { class: "kd-bars" });
    this.texts = make("ul", { class: "kd-texts" });
    this.heading = make("span");
    this.words = make("p", { class: "kd-words kd-wide", "aria-hidden": "true" });
    this.spoken = make("p", { class: "kd-spoken", "aria-live": "polite" });
    this.message = make("p", { class: "kd-message", role: "alert", hidden: true });
    const many = seeds.length > 1 ? `Curves and numbers are medians over ${seeds.length} students; ` : "";
    const notes = `${many}texts and shares are those of ${many ? "the first" : "one student"}.`;
    this.figure = make("div", { class: "kd-figure" },
      this.slider.element,
      make("div", { class: "kd-chart" }, this.svg),
      make("div", { class: "kd-settings" },
        make("fieldset", {}, make("legend", {}, "Texts of the"), ...labels),
        this.numbers.element,
        make("div", {},
          make("p", { class: "kd-title" }, "Share of each chain; the line across is the truth’s"),
          this.bars)),
      make("div", { class: "kd-wide" },
        make("p", { class: "kd-title" }, this.heading, `; ${COLOURINGS[colouring].title}`),
        this.texts),
      this.words,
      make("p", { class: "kd-notes kd-wide" }, notes[0].toUpperCase() + notes.slice(1)));
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
    this.bars.replaceChildren(...makeBars(row.shares, run.truth.shares));
    this.texts.replaceChildren(...row.texts.map((text) => makeText(text, COLOURINGS[run.colouring])));
    this.heading.textContent = `Texts of the ${WHOSE[curve]} at τ = ${tau}`;
    const first = row.shares.indexOf(Math.max(...row.shares));
    const words =
      `At τ = ${tau} the ${WHOSE[curve]} has precision ${number(now[curve][0])} and recall ${number(now[curve][1])}. ` +
      `Chain ${first + 1} has the largest share of its texts, ${percent(row.shares[first])} (truth: ${percent(run.truth.shares[first])}).`;
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
