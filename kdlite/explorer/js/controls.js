// Builds the elements of one explorer and says in words what they show. Knows nothing of fits or drawing.

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

// A slider over stops: its value is the index of a stop. `say` puts a stop into words, `marks` names some stops.
function makeSlider(name, label, stops, say, marks, change) {
  const id = `kd-${name}-${Math.random().toString(36).slice(2)}`;
  const input = make("input", { id, type: "range", min: 0, max: stops.length - 1, step: 1, list: `${id}-marks` });
  const output = make("output", { for: id });
  const options = marks.map((mark) => make("option", { value: stops.indexOf(mark), label: say(mark) }));
  const ticks = marks.map((mark) => {
    const tick = make("span", {}, say(mark));
    tick.style.setProperty("--at", stops.indexOf(mark) / Math.max(1, stops.length - 1));
    return tick;
  });
  const element = make(
    "div",
    { class: `kd-slider kd-${name}` },
    make("label", { for: id }, ...label),
    make("div", { class: "kd-track" }, input, make("div", { class: "kd-ticks", "aria-hidden": "true" }, ...ticks)),
    output,
    make("datalist", { id: `${id}-marks` }, ...options),
  );
  input.disabled = stops.length < 2;
  input.addEventListener("input", () => change(stops[input.valueAsNumber]));
  const show = (value) => {
    const index = stops.indexOf(value);
    if (input.valueAsNumber !== index) input.value = index;
    const words = say(value);
    if (output.textContent === words) return;
    output.textContent = words;
    input.setAttribute("aria-valuetext", words);
  };
  return { element, input, show };
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

function makeCheckbox(label, change) {
  const input = make("input", { type: "checkbox" });
  input.addEventListener("change", () => change(input.checked));
  return { element: make("label", { class: "kd-check" }, input, label), input };
}

function effective({ entropy, original }) {
  return `${number(Math.exp(entropy), 1)} of ${original.length}`;
}

// What the picture shows now, in two sentences.
function inWords(picture) {
  const { setting, now, entropy } = picture;
  const beside = (i) => {
    const change = now.distilled[i] - now.direct[i];
    if (Math.abs(change) < 0.005) return "the same as the direct student’s";
    return `${number(Math.abs(change))} ${change < 0 ? "below" : "above"} the direct student’s`;
  };
  const score = (name, i) => `${name} ${number(now.distilled[i])} (${beside(i)})`;
  return (
    `At β = ${setting.beta} the teacher speaks with ${effective(picture)} components (entropy ${number(entropy)} nats). ` +
    `The distilled student has ${score("precision", 0)} and ${score("recall", 1)}.`
  );
}
