// Draws what each pair of components is charged: a thread from the teacher's plane to the student's, as wide as the
// charge. Knows the numbers that Python gave; computes none of them.

const NAT = 0.035; // of the plane's unit: how wide a thread is a nat
const APART = 4.9; // from plane to plane
const NOTHING = 0.005; // nats, below which a thread is dotted

// Two standard deviations about the mean of a component.
class Ellipse {
  constructor(role, x, name = "") {
    this.x = x;
    this.circle = makeShape("circle", { r: 2, class: `kd-${role}` });
    this.label = makeShape("text", { class: `kd-name kd-${role}` }, name);
  }
  show([weight, mx, my, a, b, c]) {
    this.circle.style.transform = `matrix(${a}, ${-b}, 0, ${-c}, ${mx + this.x}, ${-my})`;
    this.label.style.transform = `translate(${mx + this.x}px, ${-my}px)`;
    this.circle.style.setProperty("--weight", weight);
  }
}

class Threads {
  constructor(model, el) {
    this.model = model;
    this.stops = model.get("stops");
    const { betas, truth, teachers, students } = this.stops;
    const [first] = this.stops.charges;
    this.at = this.pairs().reduce((most, pair) => (first[pair[0]][pair[1]] > first[most[0]][most[1]] ? pair : most));
    const side = (rows, role, x, name) => rows.map((row, k) => new Ellipse(role, x, name(k)));
    this.teacher = side(teachers[0], "teacher", 0, (k) => `${k + 1}`);
    this.student = side(students[0], "student", APART, (k) => String.fromCharCode(65 + k));
    const behind = [0, APART].flatMap((x) => side(truth, "truth", x, () => ""));
    behind.forEach((ellipse, i) => ellipse.show(truth[i % truth.length]));
    this.threads = this.pairs().map((pair) => {
      const thread = makeShape("path", { class: "kd-thread" });
      for (const event of ["pointerenter", "pointerdown"]) thread.addEventListener(event, () => this.choose(pair));
      return thread;
    });
    const id = `kd-thread-${Math.random().toString(36).slice(2)}`;
    this.root.style.setProperty("--thread", `url(#${id})`);
    const ends = [["teacher", 0], ["student", 1]].map(([role, offset]) => makeShape("stop", { class: `kd-${role}`, offset }));
    const title = (text, role, x) => makeShape("text", { class: `kd-title kd-${role}`, x, y: -2.25 }, text);
    const frame = (x) => makeShape("rect", { class: "kd-frame", x: x - 2.1, y: -2.1, width: 4.2, height: 4.2, rx: 0.15 });
    const all = [...this.teacher, ...this.student];
    this.drawing = makePicture({ viewBox: "-2.15 -2.7 9.2 4.85", "aria-label": "Threads from each component of the teacher to each of the student" },
      makeShape("defs", {}, makeShape("linearGradient", { id, gradientUnits: "userSpaceOnUse", x1: -1, x2: APART + 1, y1: 0, y2: 0 }, ...ends)),
      title("teacher p′", "teacher", 0), title("student p″", "student", APART), frame(0), frame(APART),
      ...behind.map(({ circle }) => circle), ...all.map(({ circle }) => circle), ...this.threads, ...all.map(({ label }) => label));
    this.slider = makeSlider("beta", ["β"], betas, (beta) => `${beta}`, [betas[0], betas.at(-1)], (beta) => {
      model.set("beta", beta);
      model.save_changes();
    });
    const options = this.pairs().map(([k, j]) => make("option", { value: `${k} ${j}` }, `${this.teacher[k].label.textContent} → ${this.student[j].label.textContent}`));
    this.chooser = make("select", { "aria-label": "Which pair" }, ...options);
    this.chooser.addEventListener("change", () => this.choose(this.chooser.value.split(" ").map(Number)));
    this.bars = Object.fromEntries([["costs", "cost"], ["weights", "× weight"], ["charges", "= charge"]].map(([name, label]) => {
      const most = Math.max(...this.stops[name].flat(2));
      const [fill, value] = [make("i", {}), make("output")];
      return [name, { row: [make("span", {}, label), make("div", { class: "kd-bar" }, fill), value], fill, value, most: name === "weights" ? 1 : most }];
    }));
    this.total = make("p", { "aria-live": "polite" });
    this.root.append(make("div", { class: "kd-figure" },
      make("div", { class: "kd-drawing" }, this.drawing),
      this.slider.element,
      make("div", { class: "kd-charge" }, make("span", {}, "pair"), this.chooser, make("span"), ...Object.values(this.bars).flatMap(({ row }) => row)),
      this.total));
    el.replaceChildren(this.root);
  }

  root = make("div", { class: "kd-explorer kd-threads" });

  pairs() {
    return this.stops.costs[0].flatMap((row, k) => row.map((_, j) => [k, j]));
  }

  choose(pair) {
    this.at = pair;
    this.draw();
  }

  draw() {
    const { betas, teachers, students, charges } = this.stops;
    const beta = this.model.get("beta");
    const b = betas.findLastIndex((stop) => stop <= beta);
    this.slider.show(betas[b]);
    this.teacher.forEach((ellipse, k) => ellipse.show(teachers[b][k]));
    this.student.forEach((ellipse, j) => ellipse.show(students[b][j]));
    this.pairs().forEach(([k, j], i) => {
      const [[weight, x, y], [, u, v], thread] = [teachers[b][k], students[b][j], this.threads[i]];
      const middle = (x + u + APART) / 2;
      const way = `M${x} ${-y}C${middle} ${-y} ${middle} ${-v} ${u + APART} ${-v}`;
      thread.setAttribute("d", way);
      thread.style.d = `path("${way}")`; // moves by itself where the browser can
      thread.style.setProperty("--width", Math.max(0.012, NAT * charges[b][k][j]));
      thread.style.setProperty("--weight", weight);
      thread.classList.toggle("kd-free", charges[b][k][j] < NOTHING);
      thread.classList.toggle("kd-pointed", k === this.at[0] && j === this.at[1]);
    });
    const [k, j] = this.at;
    this.chooser.value = `${k} ${j}`;
    for (const [name, { fill, value, most }] of Object.entries(this.bars)) {
      const found = this.stops[name][b][k][j];
      fill.style.width = `${(100 * Math.max(0, found)) / most}%`;
      value.textContent = name === "weights" ? number(found, 3) : `${number(found, found < 10 ? 2 : 0)} nats`;
    }
    const said = teachers[b][k][0];
    this.total.textContent = `The teacher says component ${k + 1} in ${number(100 * said, said < 0.1 ? 1 : 0)} % of its samples.`;
  }
}

function render({ model, el }) {
  const threads = new Threads(model, el);
  const draw = () => threads.draw();
  const recolour = () => readColours(threads.root);
  const theme = new MutationObserver(recolour);
  for (const node of [document.documentElement, document.body]) theme.observe(node, { attributes: true });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", recolour);
  model.on("change:beta", draw);
  recolour();
  draw();
  return () => {
    theme.disconnect();
    dark.removeEventListener("change", recolour);
    model.off("change:beta", draw);
  };
}

export default { render };
