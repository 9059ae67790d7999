// The elements of one explorer: its controls, canvases and texts. Knows what they say; knows nothing of fits or drawing.

class Figure {
  constructor(explorer) {
    const { family, live, player, travel } = explorer;
    const { header } = family;
    this.explorer = explorer;
    const set = (values) => explorer.set(values);
    const slider = (name, label) =>
      makeSlider(name, label, header[SETTINGS[name]], (value) => `${value}`, [], (value) => set({ [name]: value }));
    const marks = header.betas.filter((beta) => [0, 1, 10, 100].includes(beta));
    const turn = (beta) => set({ beta: Number(beta.toPrecision(3)) }); // as many digits as a hand can place
    this.knob = makeSlider("beta", ["β"], header.betas, betaText, marks, turn, travel);
    this.sliders = {
      student_components: slider("student_components", [symbol("student", "student"), " components"]),
      teacher_components: slider("teacher_components", [symbol("teacher", "teacher"), " components"]),
      profile: slider("profile", [symbol("truth", "truth"), " weights"]),
    };
    const picture = (label) => make("canvas", { role: "img", "aria-label": label });
    this.canvases = {
      plane: picture("The plane: truth, teacher components and student components"),
      scale: picture("How likely the samples are, with precision and recall on the scale of their colours"),
      frontier: picture("Precision against recall along beta"),
      parts: picture("Precision as the sum of minus the student’s entropy and minus its divergence from the truth"),
    };
    this.weights = new Weights((k) => explorer.point(k));
    this.numbers = makeNumbers();
    const text = (name, attributes) => make("p", { class: `kd-${name}`, ...attributes });
    this.words = text("words", { "aria-hidden": "true" });
    this.compared = text("compared", { "aria-hidden": "true" });
    this.spoken = text("spoken", { "aria-live": "polite" });
    this.notes = text("notes", { role: "status" });
    this.hint = text("notes");
    this.message = text("message", { role: "alert", hidden: true });
    this.playButton = makeButton("Play", () => (player.plays ? player.stop() : explorer.play()), { class: "kd-play" });
    this.returnButton = makeButton("Back to the paper’s run", () => set({ ...header.runs, modes: [] }));
    this.hasRuns = explorer.model.get("runs") === "paper";
    this.newButton = makeButton("New samples", () => live.draw(), { disabled: true });
    this.resetButton = makeButton("Put the modes back", () => set({ modes: [] }));
    const group = { type: "radio", name: `kd-dots-${Math.random().toString(36).slice(2)}` };
    const check = (name, attributes, ...label) =>
      makeCheckbox(make("span", {}, ...label), (on) => explorer.draws(name, on), attributes);
    this.checks = {
      student: check("student", group, symbol("student", "student’s"), " dots by p*"),
      truth: check("truth", group, symbol("truth", "truth’s"), " by p″"),
      teacher: check("teacher", { type: "checkbox" }, symbol("teacher", "teacher’s"), " dots, too"),
    };
    this.body = this.arrange(live.truth.element, live.handles, live.waking);
    this.root = make("div", { class: "kd-explorer kd-mixtures" }, this.body, this.message, this.spoken);
  }

  arrange(own, ...above) {
    const { plane, scale, frontier, parts } = this.canvases;
    const { student, truth, teacher } = this.checks;
    const box = (name, ...children) => make("div", { class: `kd-${name}` }, ...children);
    return box("figure",
      box("left",
        box("plane", plane, ...above),
        make("fieldset", { "aria-label": "Dots, and what colours them" }, student.element, truth.element),
        box("scale", scale)),
      box("knob", this.knob.element,
        box("lessons", symbol("teacher", "teacher’s weights"), this.weights.element),
        this.playButton, this.returnButton),
      box("say", this.words, this.compared),
      box("side", box("frontier", frontier), box("parts", parts)),
      make("details", { class: "kd-more" }, make("summary", {}, "More: components, truth, numbers"),
        box("sliders", ...Object.values(this.sliders).map(({ element }) => element)),
        own,
        this.numbers.element,
        box("buttons", teacher.element, this.newButton, this.resetButton),
        this.hint),
      this.notes,
    );
  }

  // All but the canvases, which costs little.
  show({ picture, runs, stale }) {
    const { live, model, player, view } = this.explorer;
    this.message.hidden = true;
    this.body.hidden = false;
    this.knob.show(picture.setting.beta);
    for (const [name, slider] of Object.entries(this.sliders)) slider.show(picture.setting[name]);
    for (const [name, { input }] of Object.entries(this.checks)) input.checked = model.get("samples").includes(name);
    this.playButton.textContent = player.plays ? "Pause" : "Play";
    this.numbers.show(picture);
    this.weights.show(picture, view.pointed);
    this.returnButton.hidden = !this.hasRuns || runs.length > 0;
    this.newButton.disabled = !live.answers;
    this.resetButton.hidden = !model.get("modes").length;
    this.note(picture, runs);
    const isOfOld = Boolean(stale) && live.state !== "here"; // the fits that are shown are those of the truth before
    this.body.toggleAttribute("data-dim", isOfOld);
    this.words.textContent = isOfOld ? "Teacher and student are still those of the truth before." : inShort(view.samples);
    this.compared.textContent = stale ? "" : compared(picture); // a fit under way may be beaten by what it is compared with
    this.speak(`${inNumbers(picture)} ${this.words.textContent} ${this.compared.textContent}`);
  }

  note({ dead }, runs) {
    const { live, model } = this.explorer;
    const notes = [];
    if (dead) notes.push("The exact teacher’s weights are equal, so sharpening changes nothing: the knob is dead here.");
    if (runs.length) {
      const which = model.get("runs") === "paper" ? "stored" : "new";
      notes.push(`Small dots: ${runs.length} ${which} runs of the paper’s sampled recipe at this setting, distilled and direct; ` +
        "crosses: the middle eight in ten of them; large marks and lines: the exact answer.");
    }
    const text = [...notes, live.note()].join(" ").trim();
    if (this.notes.textContent !== text) this.notes.textContent = text;
    this.hint.textContent = live.hint();
  }

  // Once the words rest.
  speak(words) {
    if (this.explorer.player.plays || this.said === words) return;
    this.said = words;
    clearTimeout(this.speaking);
    this.speaking = setTimeout(() => (this.spoken.textContent = words), 700);
  }

  fail(error) {
    this.body.hidden = true;
    this.message.hidden = false;
    this.message.textContent = `This interactive figure cannot be shown: ${error.message}.`;
  }
}
