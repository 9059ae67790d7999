// The reader's own truth: presets to start from, a mode's weight and width, modes more or fewer, and the truth in the page's
// address. A truth is rows of weight, mean (2) and covariance (3), as in a family. Knows nothing of fits.

const MOST_MODES = 24;
const EDGE = 1.9; // how far from the middle a mode may be moved
const SHARES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
const WIDTHS = [0.06, 0.08, 0.1, 0.12, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5];
const ADDRESS = "#truth=";

const around = (n, place) => Array.from({ length: n }, (_, k) => place(k / n, k));
const turn = (share, radius, x = 0, y = 0) => {
  const angle = 2 * Math.PI * share;
  return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
};

// Centres (x, y) and maybe a weight, all of one width.
const PRESETS = {
  "a ring": [around(8, (t) => turn(t, 1.3)), 0.16],
  "a line": [around(7, (t) => [-1.5 + 3.5 * t, -0.6 + 1.4 * t]), 0.16],
  "a spiral": [around(12, (t) => turn(1.5 * t, 0.3 + 1.3 * t)), 0.13],
  "two moons": [[...around(5, (t) => turn(0.625 * t, 1, -0.45, -0.2)), ...around(5, (t) => turn(0.5 + 0.625 * t, 1, 0.45, 0.2))], 0.13],
  "unequal weights": [around(6, (t, k) => [...turn(t, 1.2), 0.5 ** k]), 0.16],
  "a far outlier": [[...around(5, (t) => turn(t, 0.5, -0.9, -0.9)), [1.7, 1.7, 0.25]], 0.16],
};

// Weights that sum to 1, as every truth that is shown has.
function normalised(rows) {
  const sum = rows.reduce((total, [weight]) => total + weight, 0);
  return rows.map(([weight, ...rest]) => [weight / sum, ...rest]);
}

const widthOf = ([, , , xx, , yy]) => Math.sqrt((xx + yy) / 2);
const round = (value) => Math.max(-EDGE, Math.min(EDGE, Math.round(100 * value) / 100));
const preset = ([centres, width]) => normalised(centres.map(([x, y, weight = 1]) => [weight, round(x), round(y), width ** 2, 0, width ** 2]));

// The truth in an address, or null if there is none that can be drawn. Python checks it as any other.
function truthIn(hash) {
  if (!hash.startsWith(ADDRESS)) return null;
  const rows = hash.slice(ADDRESS.length).split(";").map((row) => row.split(",").map(Number));
  const isRow = (row) => row.length === 6 && row.every(Number.isFinite) && row[0] > 0 && row[3] > 0 && row[5] > 0 &&
    row[3] * row[5] > row[4] ** 2 && Math.max(Math.abs(row[1]), Math.abs(row[2])) <= EXTENT;
  return rows.length <= MOST_MODES && rows.every(isRow) ? normalised(rows) : null;
}

const addressOf = (rows) => ADDRESS + rows.map((row) => row.map((value) => Number(value.toPrecision(7))).join(",")).join(";");

let isRestored = false; // one address, and maybe several explorers: the first has it

class Truth {
  constructor(explorer, change) {
    this.explorer = explorer;
    this.chosen = 0;
    const slide = (name, label, stops, say, edit) => {
      const [low, high] = [stops[0], stops.at(-1)];
      const travel = { of: (value) => (value - low) / (high - low), at: (place) => low + place * (high - low), most: 1, step: "any" };
      const slider = makeSlider(name, [label], stops, say, [], (value) => change(this.edited(edit(value)), "current"), travel);
      slider.input.addEventListener("change", () => change(this.edited(), "curve"));
      slider.input.addEventListener("keyup", () => change(this.edited(), "curve"));
      return slider;
    };
    this.weight = slide("weight", "its weight", SHARES, (value) => `${Math.round(100 * value)} %`, (value) => (row, others) => {
      const rest = others.reduce((sum, [weight]) => sum + weight, 0);
      return [others.length ? (value * rest) / (1 - value) : 1, ...row.slice(1)];
    });
    this.width = slide("width", "its width", WIDTHS, (value) => number(value), (value) => (row) => {
      const scale = (value / widthOf(row)) ** 2;
      return [...row.slice(0, 3), ...row.slice(3).map((entry) => entry * scale)];
    });
    this.start = make("select", { "aria-label": "Start from" }, make("option", { value: "" }, "start from …"),
      ...Object.keys(PRESETS).map((name) => make("option", {}, name)));
    this.start.addEventListener("change", () => {
      if (this.start.value) change(preset(PRESETS[this.start.value]), "curve");
      this.start.value = "";
    });
    this.name = make("span");
    this.add = makeButton("Add a mode", () => {
      const rows = this.explorer.truthNow();
      const [, x, y, ...covariance] = rows[this.chosen];
      this.chosen = rows.length;
      change(normalised([...rows, [1 / rows.length, round(x > 0 ? x - 0.5 : x + 0.5), round(y > 0 ? y - 0.4 : y + 0.4), ...covariance]]), "curve");
    });
    this.remove = makeButton("Remove it", () => change(normalised(this.explorer.truthNow().filter((_, k) => k !== this.chosen)), "curve"));
    this.element = make("div", { class: "kd-truth-box", hidden: true },
      make("div", { class: "kd-buttons" }, make("strong", {}, "Your own truth"), this.start, this.name, this.remove, this.add),
      make("div", { class: "kd-sliders" }, this.weight.element, this.width.element));
  }

  // The truth with the chosen mode changed by `edit`, which is told of the others.
  edited(edit = (row) => row) {
    const rows = this.explorer.truthNow();
    const others = rows.filter((_, k) => k !== this.chosen);
    return normalised(rows.map((row, k) => (k === this.chosen ? edit(row, others) : row)));
  }

  choose(k) {
    this.chosen = k;
    this.explorer.schedule();
  }

  show(rows, isAlive) {
    this.element.hidden = !isAlive;
    if (!isAlive) return;
    this.chosen = Math.min(this.chosen, rows.length - 1);
    this.name.textContent = `Mode ${this.chosen + 1} of ${rows.length}:`;
    this.weight.show(rows[this.chosen][0]);
    this.width.show(widthOf(rows[this.chosen]));
    this.remove.disabled = rows.length < 2;
    this.add.disabled = rows.length >= MOST_MODES;
  }

  // What the address holds: { modes }, or { unread } where that is no truth.
  restored() {
    if (isRestored || !location.hash.startsWith(ADDRESS)) return {};
    isRestored = this.isInAddress = true;
    const modes = truthIn(location.hash);
    return modes ? { modes } : { unread: true };
  }

  // Put the truth into the address of the page, or take it out.
  address(modes) {
    const now = modes.length ? addressOf(modes) : "";
    if (location.hash === now || (!now && !this.isInAddress)) return;
    this.isInAddress = Boolean(now);
    try {
      history.replaceState(history.state, "", now || location.pathname + location.search);
    } catch { /* a page from file:// may not be allowed to */ }
  }
}
