// The teacher's weights as bars, each of which shows its ellipse where a reader points at it or comes to it by keys.

class Weights {
  constructor(point) {
    this.point = point;
    this.bars = [];
    this.element = make("div", { class: "kd-weights", role: "group", "aria-label": "The teacher’s weights" });
    this.element.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const at = this.bars.findIndex(({ element }) => element === document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      this.bars[(at + step + this.shown) % this.shown].element.focus();
    });
  }

  makeBar(k) {
    const fill = make("span", { class: "kd-fill" });
    const original = make("span", { class: "kd-original" });
    const element = make("button", { type: "button" }, make("span", { class: "kd-room" }, fill, original), `${k + 1}`);
    for (const [event, pointed] of [["pointerenter", k], ["focus", k], ["pointerleave", -1], ["blur", -1]]) {
      element.addEventListener(event, () => this.point(pointed));
    }
    this.element.append(element);
    return { element, fill, original };
  }

  // One bar can be reached by Tab, the others from there by arrows.
  show({ teacher, original }, pointed) {
    this.shown = original.length;
    while (this.bars.length < this.shown) this.bars.push(this.makeBar(this.bars.length));
    const stop = pointed < 0 || pointed >= this.shown ? 0 : pointed;
    this.bars.forEach(({ element, fill, original: mark }, k) => {
      element.hidden = k >= this.shown;
      if (element.hidden) return;
      fill.style.transform = `scaleY(${teacher[6 * k].toFixed(4)})`;
      mark.style.bottom = `${(100 * original[k]).toFixed(1)}%`;
      element.tabIndex = k === stop ? 0 : -1;
      element.classList.toggle("kd-pointed", k === pointed);
      element.setAttribute("aria-label", `Component ${k + 1} of the teacher: weight ${number(teacher[6 * k])}, ${number(original[k])} before`);
    });
  }
}
