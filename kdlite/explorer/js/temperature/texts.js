// The texts of a language model, each token on a ground that says how likely the truth finds it. What stands for a token is text, never markup.

// What a run shows of the texts, and beside them.
const COLOURINGS = {
  chain: { panel: makeShares, texts: makeMosaic, first: true, seen: "strips and shares are means over them" },
  surprisal: { panel: makeGeometry, texts: (run) => new Texts(run), seen: "texts, dots and coverage are those of the first" },
};

// Moves from token to token: by one, to another text, to an end of the text.
const STEPS = {
  ArrowLeft: (at) => at.index - 1,
  ArrowRight: (at) => at.index + 1,
  ArrowUp: (at) => at.starts[at.text - 1],
  ArrowDown: (at) => at.starts[at.text + 1],
  Home: (at) => at.starts[at.text],
  End: (at) => (at.starts[at.text + 1] ?? at.size) - 1,
};

class Texts {
  constructor({ scale, prompt }) {
    Object.assign(this, { scale, prompt, index: 0 });
    this.list = make("ul", { class: "kd-texts" });
    this.heading = make("span");
    const title = "; the stronger a token’s ground, the less likely the truth finds it; the number is the mean of log p* over the text’s tokens";
    this.element = make("div", { class: "kd-wide" }, make("p", { class: "kd-title" }, this.heading, title), this.list);
    this.makeReadable();
  }

  ground(mark) {
    const { edges, grounds } = this.scale;
    return grounds[edges.filter((edge) => -mark > edge).length];
  }

  // A legend, and a line with the number of one token: of the one that was clicked, or that the arrow keys led to.
  makeReadable() {
    const { edges, grounds } = this.scale;
    const steps = grounds.map((ground, i) => onGround(ground, i < edges.length ? `≥ −${edges[i]}` : "less"));
    this.list.before(make("p", { class: "kd-scale" }, "log p* of a token (nats): ", ...steps));
    this.token = make("p", { class: "kd-token" });
    this.list.after(this.token);
    this.list.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys to it
    this.list.addEventListener("click", ({ target }) => {
      const index = this.tokens.findIndex(({ element }) => element === target);
      if (index >= 0) this.choose(index).focus();
    });
    this.list.addEventListener("keydown", (event) => {
      if (!STEPS[event.key]) return;
      event.preventDefault();
      const { index, starts, tokens } = this;
      const next = STEPS[event.key]({ index, starts, size: tokens.length, text: tokens[index].text });
      if (tokens[next]) this.choose(next).focus();
    });
  }

  show({ texts }, whose) {
    this.heading.textContent = whose;
    this.tokens = []; // of all texts, one after the other
    this.starts = []; // where each text's begin
    this.list.replaceChildren(...texts.map((text, i) => this.makeText(text, i)));
    this.choose(Math.min(this.index, this.tokens.length - 1));
  }

  makeText(text, place) {
    const mean = number(text.mean, 1);
    this.starts.push(this.tokens.length);
    const shown = [...text.tokens].map((token, i) => {
      const [mark, ground] = [text.mark[i], this.ground(text.mark[i])];
      const element = onGround(ground, token);
      this.tokens.push({ element, token, text: place, mark, ground });
      return element;
    });
    const missing = text.size - shown.length;
    return make("li", {},
      make("span", { class: "kd-number", "aria-hidden": "true" }, mean),
      make("span", { class: "kd-tokens" },
        make("span", { class: "kd-spoken" }, `mean ${mean}: `),
        ...(this.prompt ? [make("i", {}, this.prompt)] : []),
        ...shown,
        ...(missing > 0 ? [make("i", {}, ` … ${missing} more`)] : [])));
  }

  // One token can be reached with the Tab key; the arrows hand this on.
  choose(index) {
    const before = this.tokens[this.index]?.element;
    for (const { name } of [...(before?.attributes ?? [])]) if (name !== "style") before.removeAttribute(name);
    this.index = index;
    const { element, token, mark, ground } = this.tokens[index];
    const words = `${number(mark)} nats, probability ${Number(Math.exp(mark).toPrecision(2))}`;
    const state = { tabindex: 0, role: "slider", "aria-label": "token", "aria-valuemin": 1, "aria-valuemax": this.tokens.length, "aria-valuenow": index + 1 };
    for (const [name, value] of Object.entries({ ...state, "aria-valuetext": `“${token}” ${words}` })) element.setAttribute(name, value);
    this.token.replaceChildren("“", onGround(ground, token), `” ${words}`);
    return element;
  }
}

function onGround(ground, text) {
  const element = make("span", {}, text);
  element.style.setProperty("--ground", ground);
  return element;
}
