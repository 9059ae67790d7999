// What one setting shows along beta: its stored stops, and what lies between two of them. Knows nothing of drawing.

const MOVED = 0.3; // of the plane: a component that is farther away at the next stop was rearranged,
const MATTERS = 0.01; // if it has this weight at both
const FINE = 4; // steps from stop to stop in which the scores are interpolated
const EVEN = 0.25; // the share of the slider that is spread evenly over the stops; the rest follows the change

// Where beta lies among stops: the one before it, and how far on the way to the next, by its logarithm.
function placeOf(betas, beta) {
  let i = 0;
  while (i + 2 < betas.length && betas[i + 1] <= beta) i += 1;
  const [low, high] = [betas[i], betas[i + 1] ?? betas[i]];
  if (high === low) return [i, 0];
  return [i, low > 0 ? Math.log(beta / low) / Math.log(high / low) : beta / high];
}

function betaAt(betas, i, t) {
  const [low, high] = [betas[i], betas[i + 1] ?? betas[i]];
  if (t >= 1) return high;
  return low > 0 ? low * (high / low) ** t : high * t;
}

// How far the distilled student has come along the frontier at each stop, as a share of the whole way; 0 where nothing moves.
function wayOf(scores, [own, peak]) {
  const way = new Float64Array(scores.length / 2);
  let [lowest, far] = [peak, 0];
  for (let i = 0; i < scores.length; i += 2) {
    lowest = Math.min(lowest, scores[i]);
    far = Math.max(far, Math.sqrt(Math.max(0, own - scores[i + 1])));
  }
  const fall = (i) => Math.sqrt(Math.max(0, own - scores[2 * i + 1])) / far;
  for (let i = 1; i < way.length; i++) {
    way[i] = way[i - 1] + Math.hypot((scores[2 * i] - scores[2 * i - 2]) / (peak - lowest), fall(i) - fall(i - 1));
  }
  const whole = way.at(-1);
  return whole > 1e-3 ? way.map((value) => value / whole) : way.fill(0);
}

// The slider of a family: its travel from 0 to 1 is spent where the students of the family change, taken together.
class Travel {
  most = 1;
  step = "any";

  constructor(family) {
    const { betas, profiles, teacher_components: teachers, student_components: students } = family.header;
    this.betas = betas;
    const places = Float64Array.from(betas, (_, i) => (EVEN * i) / (betas.length - 1));
    profiles.forEach((_, p) => teachers.forEach((_, a) => students.forEach((_, s) => {
      wayOf(part(family, "distilled_score", p, a, s), part(family, "limits", p)).forEach((way, i) => (places[i] += way));
    })));
    this.places = places.map((value) => value / places.at(-1));
  }

  of(beta) {
    const { places } = this;
    const [i, t] = placeOf(this.betas, beta);
    return places[i] + t * ((places[i + 1] ?? places[i]) - places[i]);
  }

  at(travel) {
    const { places } = this;
    let i = 0;
    while (i + 2 < places.length && places[i + 1] <= travel) i += 1;
    return betaAt(this.betas, i, (travel - places[i]) / (places[i + 1] - places[i]));
  }
}

// A curve over stops with FINE steps to the next: monotone cubics, with no step where it jumps. `x` are places of the stops.
function refine(values, width, x, jumps) {
  const n = x.length;
  const fine = new Float32Array(((n - 1) * FINE + 1) * width);
  for (let c = 0; c < width; c++) {
    const rise = (i) => (jumps?.[i] ? NaN : (values[(i + 1) * width + c] - values[i * width + c]) / (x[i + 1] - x[i]));
    const slope = Float64Array.from(x, (_, i) => {
      const [before, after] = [i ? rise(i - 1) : NaN, i < n - 1 ? rise(i) : NaN];
      if (Number.isNaN(before) || Number.isNaN(after)) return (Number.isNaN(before) ? after : before) || 0;
      return before * after > 0 ? (2 * before * after) / (before + after) : 0;
    });
    for (let i = 0; i < n - 1; i++) {
      const [low, high, wide] = [values[i * width + c], values[(i + 1) * width + c], x[i + 1] - x[i]];
      for (let k = 0; k < FINE; k++) {
        const t = k / FINE;
        const s = t * t * (3 - 2 * t);
        const bend = t * (1 - t) * wide * (slope[i] * (1 - t) - slope[i + 1] * t);
        fine[(i * FINE + k) * width + c] = jumps?.[i] ? low : low + s * (high - low) + bend;
      }
    }
    fine[(n - 1) * FINE * width + c] = values[(n - 1) * width + c];
  }
  return fine;
}

function* permutations(n, start = []) {
  if (start.length === n) yield start;
  else for (let k = 0; k < n; k++) if (!start.includes(k)) yield* permutations(n, [...start, k]);
}

// The rows of stops, each in the order that leaves every component closest to where it was, and where that is not close.
function matched(rows, stops, n) {
  const orders = [...permutations(n)];
  const result = Float32Array.from(rows);
  const jumps = new Uint8Array(stops);
  const distance = (i, j) => {
    if (!result[i] || !rows[j]) return 0;
    const spread = (k) => Math.sqrt(result[i + k]) - Math.sqrt(rows[j + k]);
    return (result[i + 1] - rows[j + 1]) ** 2 + (result[i + 2] - rows[j + 2]) ** 2 + (result[i] - rows[j]) ** 2 +
      spread(3) ** 2 + spread(5) ** 2;
  };
  for (let b = 1; b < stops; b++) {
    const [before, here] = [6 * n * (b - 1), 6 * n * b];
    const cost = (order) => order.reduce((sum, j, k) => sum + distance(before + 6 * k, here + 6 * j), 0);
    const order = orders.reduce((best, other) => (cost(other) < cost(best) ? other : best));
    order.forEach((j, k) => result.set(rows.subarray(here + 6 * j, here + 6 * j + 6), here + 6 * k));
    for (let k = 0; k < n; k++) {
      const [i, j] = [before + 6 * k, here + 6 * k];
      const moved = Math.hypot(result[i + 1] - result[j + 1], result[i + 2] - result[j + 2]);
      if (moved > MOVED && Math.min(result[i], result[j]) > MATTERS) jumps[b - 1] = 1;
    }
  }
  return { rows: result, jumps };
}

class Path {
  constructor(family, setting) {
    const [s, a, p] = Object.entries(SETTINGS).map(([name, axis]) => {
      const index = family.header[axis].indexOf(setting[name]);
      if (index < 0) throw new Error(`it has no ${name.replace("_", " ")} of ${JSON.stringify(setting[name])}`);
      return index;
    });
    const { betas } = family.header;
    const n = setting.student_components;
    const all = part(family, "student", p, a, s);
    const stride = all.length / betas.length;
    const students = new Float32Array(betas.length * 6 * n);
    betas.forEach((_, b) => students.set(all.subarray(b * stride, b * stride + 6 * n), b * 6 * n));
    const { rows, jumps } = matched(students, betas.length, n);
    const teacher = part(family, "teacher", p, a).slice(0, 6 * setting.teacher_components);
    const x = Float64Array.from(betas, (beta) => Math.log(beta));
    if (!betas[0]) x[0] = betas.length > 2 ? 2 * x[1] - x[2] : 0;
    const scores = part(family, "distilled_score", p, a, s);
    const curves = {
      distilled: refine(scores, 2, x, jumps),
      cooled: refine(part(family, "cooled_score", p, s), 2, x),
      teacher: refine(part(family, "teacher_score", p, a), 2, x),
    };
    const limits = part(family, "limits", p);
    const entropies = refine(part(family, "distilled_entropy", p, a, s), 1, x, jumps);
    Object.assign(this, { betas, jumps, students: rows, weights: part(family, "sharpened", p, a) });
    this.teacherEntropies = part(family, "entropy", p, a);
    this.way = wayOf(scores, limits);
    this.picture = {
      setting: { ...setting },
      betas,
      truth: part(family, "truth", p),
      teacher,
      student: new Float32Array(6 * n),
      direct: part(family, "direct", p, s),
      original: Array.from({ length: teacher.length / 6 }, (_, k) => teacher[6 * k]),
      // Sharpening moves nothing when the weights are equal.
      dead: betas.length > 1 && Math.max(...this.teacherEntropies) - Math.min(...this.teacherEntropies) < 1e-3,
      limits,
      jumps,
      curves,
      entropies,
      directEntropy: part(family, "direct_entropy", p, s)[0],
      now: { distilled: [0, 0], direct: [...part(family, "direct_score", p, s)], cooled: [0, 0], teacher: [0, 0] },
    };
  }

  // Where something begins to happen from beta = 1 on.
  get start() {
    const one = Math.max(0, this.betas.indexOf(1));
    const last = this.way.findLastIndex((way) => way - this.way[one] < 0.01);
    return this.betas[Math.min(Math.max(one, last), this.betas.length - 2)] ?? this.betas[0];
  }

  // Everything that the picture at one beta shows; the same object each time. A mixture is rows of weight, mean (2) and
  // covariance (3). Where components were rearranged, the student jumps half way; all else moves without steps.
  at(beta) {
    const { betas, picture } = this;
    const { curves } = picture;
    if (!(betas[0] <= beta && beta <= betas.at(-1))) throw new Error(`it has no beta of ${JSON.stringify(beta)}`);
    const [i, t] = placeOf(betas, beta);
    const next = Math.min(i + 1, betas.length - 1);
    const jumping = this.jumps[i] ? Number(t >= 0.5) : t;
    const between = (values, width, k, share) => values[i * width + k] + share * (values[next * width + k] - values[i * width + k]);
    const along = (curve, width, k, share) => {
      const j = Math.min((next - i) * FINE, Math.floor(share * FINE));
      const [low, high] = [curve[(i * FINE + j) * width + k], curve[(i * FINE + j + 1) * width + k]];
      return share < 1 && next > i ? low + (share * FINE - j) * (high - low) : low;
    };
    const { student, teacher, now } = picture;
    for (let k = 0; k < student.length; k++) student[k] = between(this.students, student.length, k, jumping);
    // A component of no weight has no place: it appears where it is at the other stop.
    for (let k = 0; k < student.length; k += 6) {
      const [from, to] = [this.students[i * student.length + k], this.students[next * student.length + k]];
      if (from && to) continue;
      const stop = from ? i : next;
      for (let j = 1; j < 6; j++) student[k + j] = this.students[stop * student.length + k + j];
    }
    const width = this.weights.length / betas.length;
    for (let k = 0; 6 * k < teacher.length; k++) teacher[6 * k] = between(this.weights, width, k, t);
    for (let k = 0; k < 2; k++) {
      now.distilled[k] = along(curves.distilled, 2, k, jumping);
      now.cooled[k] = along(curves.cooled, 2, k, t);
      now.teacher[k] = along(curves.teacher, 2, k, t);
    }
    picture.setting.beta = beta;
    picture.entropy = between(this.teacherEntropies, 1, 0, t);
    picture.ownEntropy = along(picture.entropies, 1, 0, jumping);
    return picture;
  }
}

const pictureOf = (family, { beta, ...setting }) => new Path(family, setting).at(beta);
