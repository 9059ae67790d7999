// Builds the elements of an explorer. Knows nothing of fits or drawing.

const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−");

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  // JupyterLab leaves keys to an element with this mark; otherwise arrows would move through the notebook.
  if (tag === "input" || tag === "button") element.dataset.lmSuppressShortcuts = "true";
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Places of equal distance for stops that have nothing between them.
const evenly = (stops) => ({ of: (stop) => stops.indexOf(stop), at: (place) => stops[place], most: stops.length - 1, step: 1 });

// A slider over stops, whose places are those of `travel`. `say` puts a value into words, `marks` names some stops.
function makeSlider(name, label, stops, say, marks, change, travel = evenly(stops)) {
  const id = `kd-${name}-${Math.random().toString(36).slice(2)}`;
  const input = make("input", { id, type: "range", min: 0, max: travel.most, step: travel.step });
  const output = make("output", { for: id });
  const tick = (value, text, kind) => {
    const element = make("span", { class: kind }, text);
    element.style.setProperty("--at", travel.of(value) / Math.max(1, travel.most));
    return element;
  };
  const ticks = make("div", { class: "kd-ticks", "aria-hidden": "true" }, ...marks.map((mark) => tick(mark, say(mark), "kd-tick")));
  const element = make(
    "div",
    { class: `kd-slider kd-${name}` },
    make("label", { for: id }, ...label),
    make("div", { class: "kd-track" }, input, ticks),
    output,
  );
  input.disabled = stops.length < 2;
  let shown;
  input.addEventListener("input", () => change(travel.at(input.valueAsNumber)));
  // Keys go from stop to stop, also where the hand may rest between two.
  input.addEventListener("keydown", (event) => {
    const up = { ArrowRight: true, ArrowUp: true, ArrowLeft: false, ArrowDown: false }[event.key];
    if (travel.step !== "any" || up === undefined) return;
    event.preventDefault();
    const next = up ? stops.find((stop) => stop > shown) : stops.findLast((stop) => stop < shown);
    if (next !== undefined) change(next);
  });
  const show = (value) => {
    if (value === shown) return;
    shown = value;
    const place = travel.of(value);
    if (Math.abs(input.valueAsNumber - place) > 1e-9) input.value = place;
    const words = say(value);
    if (output.textContent === words) return;
    output.textContent = words;
    input.setAttribute("aria-valuetext", words);
  };
  // Small marks without words, at these values.
  const notch = (values) => {
    ticks.querySelectorAll(".kd-notch").forEach((old) => old.remove());
    ticks.append(...values.map((value) => tick(value, "", "kd-notch")));
  };
  return { element, input, show, notch };
}

const symbol = (name, text) => make("i", { class: `kd-symbol kd-${name}` }, text);

const ROWS = {
  distilled: ["student", "distilled student"],
  direct: ["direct", "direct student"],
  cooled: ["direct", "direct, cooled"],
  teacher: ["teacher", "sharpened teacher"],
};

// The numbers as a table whose first cells carry the line styles of the frontier: its legend, too.
function makeNumbers(unit = "nats a point") {
  const cells = {};
  const rows = Object.entries(ROWS).map(([name, [colour, label]]) => {
    const values = ["precision", "recall"].map((score) => (cells[`${name} ${score}`] = make("td", { class: `kd-${score}` })));
    const key = make("span", { class: `kd-key kd-key-${name} kd-${colour}`, "aria-hidden": "true" });
    return make("tr", { "data-curve": name }, make("th", { scope: "row" }, key, label), ...values);
  });
  const head = [unit, "precision", "recall"].map((text) => make("th", { scope: "col" }, text));
  const element = make(
    "table",
    { class: "kd-numbers" },
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...rows),
  );
  const show = ({ now }) => {
    for (const name of Object.keys(ROWS)) {
      ["precision", "recall"].forEach((score, i) => (cells[`${name} ${score}`].textContent = number(now[name][i], 3)));
    }
  };
  return { element, show };
}

function makeButton(label, press, attributes = {}) {
  const button = make("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", press);
  return button;
}

// A checkbox, or a radio button of a group.
function makeCheckbox(label, change, attributes = { type: "checkbox" }) {
  const input = make("input", attributes);
  input.addEventListener("change", () => change(input.checked));
  return { element: make("label", { class: "kd-check" }, input, label), input };
}
