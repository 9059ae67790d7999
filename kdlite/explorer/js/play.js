// Moves beta along the slider by itself. Knows the slider's travel; knows nothing of what is drawn.

const WAY = { asked: 7000, gently: 11000, step: 900 }; // milliseconds: of a whole way, and of a stop where motion is unwelcome
const isStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const eased = (share) => (1 - Math.cos(Math.PI * share)) / 2;

class Player {
  constructor(travel, change, ended) {
    Object.assign(this, { travel, change, ended, halt: null });
  }

  get plays() {
    return Boolean(this.halt);
  }

  // From one beta to the last; at an even pace of what the reader sees, but for its beginning and end.
  start(from, duration = WAY.asked) {
    const { betas } = this.travel;
    if (isStill()) {
      const step = () => {
        const next = betas.find((beta) => beta > from);
        if (next === undefined) return this.stop();
        this.change((from = next));
        wait(WAY.step);
      };
      const wait = (time) => {
        const timer = setTimeout(step, time);
        this.halt = () => clearTimeout(timer);
      };
      return wait(0);
    }
    const [first, begun] = [this.travel.of(from), performance.now()];
    const move = (time) => {
      const share = Math.min(1, Math.max(0, time - begun) / (duration * (1 - first) + 500));
      this.change(share < 1 ? this.travel.at(first + (1 - first) * eased(share)) : betas.at(-1));
      if (share < 1) next();
      else this.stop();
    };
    const next = () => {
      const frame = requestAnimationFrame(move);
      this.halt = () => cancelAnimationFrame(frame);
    };
    next();
  }

  stop() {
    if (!this.halt) return;
    this.halt();
    this.halt = null;
    this.ended();
  }
}
