// The texts of one model, each token on a ground that means something. What stands for a token is text, never markup.

// How a text's mark colours it: `ground` is the ground of its token i, `number` stands beside the text, so that colour
// is never alone. A mark is one number a text, or one a token; then the tokens can be read one by one.
const COLOURINGS = {
  chain: {
    title: "the number and the colour are the chain that most likely made the text",
    ground: (text) => chainGround(text.mark),
    number: (text) => `${text.mark + 1}`,
    spoken: (text) => `chain ${text.mark + 1}: `,
    panel: makeShares,
    seen: "texts and shares",
  },
  surprisal: {
    title: "the stronger a token’s ground, the less likely the truth finds it; the number is the mean of log p* over the text’s tokens",
    ground: (text, i, { edges, grounds }) => grounds[edges.filter((edge) => -text.mark[i] > edge).length],
    number: (text) => number(text.mean, 1),
    spoken: (text) => `mean ${number(text.mean, 1)}: `,
    panel: makeGeometry,
    seen: "texts, dots and coverage",
  },
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
  constructor({ colouring, scale, prompt }) {
    this.colouring = COLOURINGS[colouring];
    Object.assign(this, { scale, prompt, index: 0 });
    this.list = make("ul", { class: `kd-texts kd-by-${colouring}` });
    this.heading = make("span");
    this.element = make("div", { class: "kd-wide" },
      make("p", { class: "kd-title" }, this.heading, `; ${this.colouring.title}`), this.list);
    if (scale) this.makeReadable();
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

  show(texts, whose) {
    this.heading.textContent = whose;
    this.tokens = []; // of all texts, one after the other
    this.starts = []; // where each text's begin
    this.list.replaceChildren(...texts.map((text, i) => this.makeText(text, i)));
    if (this.scale) this.choose(Math.min(this.index, this.tokens.length - 1));
  }

  makeText(text, place) {
    const { ground, number: beside, spoken } = this.colouring;
    this.starts.push(this.tokens.length);
    const shown = [...text.tokens].map((token, i) => {
      const element = onGround(ground(text, i, this.scale), token);
      this.tokens.push({ element, token, text: place, mark: text.mark[i], ground: ground(text, i, this.scale) });
      return element;
    });
    const missing = (text.size ?? 0) - shown.length;
    return make("li", {},
      make("span", { class: "kd-number", "aria-hidden": "true" }, beside(text)),
      make("span", { class: "kd-tokens" },
        make("span", { class: "kd-spoken" }, spoken(text)),
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
