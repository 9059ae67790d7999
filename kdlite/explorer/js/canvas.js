// A canvas in the pixels of the screen, and words on it that do not cover each other. Knows nothing of mixtures.

const pixelRatio = () => window.devicePixelRatio || 1;
const pixelsOf = (canvas) => [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * pixelRatio()));

// Whether the box of a canvas is no longer as large as its picture.
function isResized(canvas) {
  const [width, height] = pixelsOf(canvas);
  return canvas.width !== width || canvas.height !== height;
}

// Sizes a canvas to its box and gives a context that counts in CSS pixels.
function begin(canvas) {
  const ratio = pixelRatio();
  const { clientWidth: width, clientHeight: height } = canvas;
  if (isResized(canvas)) [canvas.width, canvas.height] = pixelsOf(canvas);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser has no canvas to draw on");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineWidth = 1;
  context.textAlign = "left";
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  return { context, width, height };
}

function drawLine(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}

const KEPT = new WeakMap(); // the sides on which the names of a canvas were last put
const LOYAL = 120; // square pixels that a name may cover before it changes sides

// Names beside what they name: above, below, right or left, wherever no name is yet, and if possible where they were.
class Names {
  constructor(context, { left, right, top, bottom }, ground) {
    Object.assign(this, { context, left, right, top, bottom, ground, taken: [] });
    if (!KEPT.has(context.canvas)) KEPT.set(context.canvas, {});
    this.kept = KEPT.get(context.canvas);
  }

  // Keep names off a point.
  avoid(x, y, radius) {
    this.taken.push([x - radius, y - radius, x + radius, y + radius]);
  }

  put(text, colour, x, y, away) {
    const { context } = this;
    const { font } = context;
    context.font = `600 ${font}`;
    const wide = context.measureText(text).width;
    const places = [
      [x - wide / 2, y - away - 4], [x - wide / 2, y + away + 13], [x + away + 4, y + 4], [x - away - 4 - wide, y + 4],
      ...[1, -1].flatMap((side) => [-4, 13].map((drop) =>
        [side > 0 ? x + 0.7 * away + 4 : x - 0.7 * away - 4 - wide, y + Math.sign(drop) * 0.7 * away + drop])),
    ];
    const boxed = ([left, bottom]) => [left - 2, bottom - 12, left + wide + 2, bottom + 4];
    const inside = places.map(([left, bottom]) => [
      Math.max(this.left + 3, Math.min(this.right - wide - 3, left)), Math.max(this.top + 13, Math.min(this.bottom - 5, bottom)),
    ]);
    const covered = (place) => {
      const [l, t, r, b] = boxed(place);
      return this.taken.reduce((sum, [left, top, right, bottom]) =>
        sum + Math.max(0, Math.min(r, right) - Math.max(l, left)) * Math.max(0, Math.min(b, bottom) - Math.max(t, top)), 0);
    };
    const costs = inside.map(covered);
    const least = costs.indexOf(Math.min(...costs));
    const side = costs[this.kept[text]] <= costs[least] + LOYAL ? this.kept[text] : least;
    this.kept[text] = side;
    const best = inside[side];
    this.taken.push(boxed(best));
    context.textAlign = "left";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = this.ground;
    context.strokeText(text, ...best);
    context.fillStyle = colour;
    context.fillText(text, ...best);
    context.font = font;
  }
}
