// Reads a family of fits, whose layout storage.py describes. Knows nothing of what lies between its stops.

// The sliders beside beta, and the axis of each.
const SETTINGS = {
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

// Whether a family holds this setting: its beta between two stops, or at its only one.
function has({ header }, { beta, ...others }) {
  return (
    header.betas[0] <= beta && beta <= header.betas.at(-1) &&
    Object.entries(others).every(([name, value]) => header[SETTINGS[name]].includes(value))
  );
}
