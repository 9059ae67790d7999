// Points drawn from mixtures and how likely another mixture finds them. Knows nothing of drawing.

const POINTS = 400;
const GLIDE = 90; // milliseconds in which a point that hops covers most of its way
const HOP = 0.25; // of the plane, in one frame

function uniforms(state) {
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
}

// The same noise for each mixture, so that points move with the slider. A point belongs to the component whose log
// weight and noise add up to the most: as weights change, points leave only what shrinks, for what grows.
const NORMALS = (() => {
  const [uniform, values] = [uniforms(1), new Float32Array(2 * POINTS)];
  for (let i = 0; i < values.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    values[i] = radius * Math.cos(angle);
    values[i + 1] = radius * Math.sin(angle);
  }
  return values;
})();
const CHOICES = [];
function choices(k) {
  if (CHOICES[k]) return CHOICES[k];
  const uniform = uniforms(7919 * (k + 2));
  return (CHOICES[k] = Float32Array.from({ length: POINTS }, () => -Math.log(-Math.log(uniform()))));
}

// The points of one mixture as it changes.
class Cloud {
  constructor() {
    this.points = new Float32Array(2 * POINTS); // where they are
    this.lag = new Float32Array(2 * POINTS); // from there to where they are drawn
    this.values = new Float64Array(POINTS); // log-densities under the mixture that `judge` was given
    this.sorted = new Float64Array(POINTS);
    this.moves = false; // whether some point is still on its way
    this.time = 0;
  }

  // Move the points to a mixture; those that hop glide there, unless motion is unwelcome.
  follow(rows, time, still) {
    const { points, lag } = this;
    const fades = Math.exp((this.time - time) / GLIDE);
    const jumps = still || !this.time;
    let most = 0;
    for (let i = 0; i < POINTS; i++) {
      let best = -Infinity;
      let at = 0;
      for (let k = 0; k < rows.length; k += 6) {
        if (!(rows[k] > 0)) continue;
        const value = Math.log(rows[k]) + choices(k / 6)[i];
        if (value <= best) continue;
        best = value;
        at = k;
      }
      const root = Math.sqrt(rows[at + 3]);
      const below = rows[at + 4] / root;
      const x = rows[at + 1] + root * NORMALS[2 * i];
      const y = rows[at + 2] + below * NORMALS[2 * i] + Math.sqrt(Math.max(0, rows[at + 5] - below * below)) * NORMALS[2 * i + 1];
      const dx = points[2 * i] - x;
      const dy = points[2 * i + 1] - y;
      const hops = Math.abs(dx) + Math.abs(dy) > HOP;
      lag[2 * i] = jumps ? 0 : (hops ? dx : 0) + lag[2 * i] * fades;
      lag[2 * i + 1] = jumps ? 0 : (hops ? dy : 0) + lag[2 * i + 1] * fades;
      most = Math.max(most, Math.abs(lag[2 * i]), Math.abs(lag[2 * i + 1]));
      points[2 * i] = x;
      points[2 * i + 1] = y;
    }
    this.moves = most > 0.01;
    if (!this.moves) lag.fill(0);
    this.time = time;
  }

  // How likely a mixture finds each point, in nats.
  judge(prepared) {
    for (let i = 0; i < POINTS; i++) this.values[i] = logDensity(prepared, this.points[2 * i], this.points[2 * i + 1]);
  }

  // The log-density that all points but one in twenty have, under the mixture that they were drawn from.
  edge(prepared) {
    for (let i = 0; i < POINTS; i++) this.sorted[i] = logDensity(prepared, this.points[2 * i], this.points[2 * i + 1]);
    return this.sorted.sort()[POINTS / 20];
  }
}

// The points of truth, teacher and student, each judged by the other side, and what can be counted about them.
class Samples {
  constructor() {
    this.truth = new Cloud();
    this.teacher = new Cloud();
    this.student = new Cloud();
    this.densities = {};
  }

  prepared(name, rows) {
    const kept = this.densities[name];
    return (this.densities[name] = prepare(rows, kept?.length === rows.length ? kept : undefined));
  }

  // The points for a picture of which these are drawn, and how many modes of the truth the student covers and how many of its samples land on
  // the truth: both by the region that holds 95 % of a mixture's own points.
  follow(picture, drawn, time, still) {
    for (const name of ["truth", "teacher", "student"]) this[name].follow(picture[name], time, still || !drawn.includes(name));
    const [truth, student] = [this.prepared("truth", picture.truth), this.prepared("student", picture.student)];
    this.truth.judge(student);
    this.student.judge(truth);
    const [far, wide] = [this.truth.edge(truth), this.student.edge(student)];
    this.landed = this.student.values.reduce((n, value) => n + (value >= far), 0) / POINTS;
    this.modes = this.covered = 0;
    for (let k = 0; k < picture.truth.length; k += 6) {
      if (!(picture.truth[k] > 0)) continue;
      this.modes += 1;
      this.covered += logDensity(student, picture.truth[k + 1], picture.truth[k + 2]) >= wide;
    }
  }

  get moves() {
    return this.truth.moves || this.teacher.moves || this.student.moves;
  }
}
