// Reads a family of fits, whose layout storage.py describes, and picks what belongs to one setting.

const SETTINGS = {
  beta: "betas",
  student_components: "student_components",
  teacher_components: "teacher_components",
  profile: "profiles",
};

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

// Explorers of one page may hold the same bytes; then they share what is in them.
const DECODED = new WeakMap();

function familyOf(view) {
  if (!DECODED.has(view)) DECODED.set(view, decodeFamily(view));
  return DECODED.get(view);
}

// A trait of bytes arrives as a DataView that may start anywhere in its buffer.
function decodeFamily(view) {
  if (!view || view.byteLength < 12) throw new Error("its fits are missing");
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  const prefix = new DataView(bytes.buffer, 0, 12);
  const body = bytes.subarray(12);
  if (new TextDecoder().decode(bytes.subarray(0, 4)) !== "KDLF" || crc32(body) !== prefix.getUint32(8, true)) {
    throw new Error("its fits are damaged");
  }
  const length = prefix.getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(body.subarray(0, length)));
  return { header, data: new Float32Array(bytes.buffer, 12 + length) };
}

// The numbers of an array at these indices of its first axes.
function part({ header, data }, name, ...at) {
  const { start, shape } = header.arrays[name];
  let first = 0;
  for (let axis = 0; axis < at.length; axis++) first = first * shape[axis] + at[axis];
  const size = shape.slice(at.length).reduce((product, n) => product * n, 1);
  return data.subarray(start + first * size, start + (first + 1) * size);
}

function has({ header }, setting) {
  return Object.entries(SETTINGS).every(([name, axis]) => header[axis].includes(setting[name]));
}

// Everything that the picture of one setting shows. A mixture is rows of weight, mean (2) and covariance (3).
function pictureOf(family, setting) {
  const [b, s, a, p] = Object.entries(SETTINGS).map(([name, axis]) => {
    const index = family.header[axis].indexOf(setting[name]);
    if (index < 0) throw new Error(`it has no ${name.replace("_", " ")} of ${JSON.stringify(setting[name])}`);
    return index;
  });
  const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);
  const teacher = part(family, "teacher", p, a).slice(0, 6 * setting.teacher_components);
  const original = Array.from({ length: teacher.length / 6 }, (_, k) => teacher[6 * k]);
  const weights = part(family, "sharpened", p, a, b).subarray(0, original.length);
  weights.forEach((weight, k) => (teacher[6 * k] = weight));
  const direct = part(family, "direct", p, s);
  const curves = {
    distilled: pairs(part(family, "distilled_score", p, a, s)),
    cooled: pairs(part(family, "cooled_score", p, s)),
    teacher: pairs(part(family, "teacher_score", p, a)),
  };
  const entropies = part(family, "entropy", p, a);
  return {
    setting,
    truth: part(family, "truth", p),
    teacher,
    student: part(family, "student", p, a, s, b),
    direct,
    original,
    entropy: entropies[b],
    // Sharpening moves nothing when the weights are equal.
    dead: entropies.length > 1 && Math.max(...entropies) - Math.min(...entropies) < 1e-3,
    limits: part(family, "limits", p),
    curves,
    now: {
      distilled: curves.distilled[b],
      direct: pairs(part(family, "direct_score", p, s))[0],
      cooled: curves.cooled[b],
      teacher: curves.teacher[b],
    },
  };
}
