// The colours of log-densities, and the scale on which the two numbers are marked.

const REACH = 12; // nats below the truth's peak at which all is dark
const SHADES = 48;

// Where a log-density lies on the scale, from 0 to 1.
const onScale = (value, peak) => 1 - Math.min(REACH, Math.max(0, peak - value)) / REACH;

// From dark to bright by steps of even lightness; the hue is none of the four distributions'.
const STOPS = {
  light: [[30, 9, 56], [90, 18, 120], [168, 30, 150], [233, 77, 185], [255, 176, 226]],
  dark: [[104, 62, 168], [142, 62, 190], [196, 66, 196], [240, 120, 212], [255, 214, 242]],
};
const SHADED = Object.fromEntries(Object.entries(STOPS).map(([theme, stops]) => [
  theme,
  Array.from({ length: SHADES }, (_, i) => {
    const place = (i / (SHADES - 1)) * (stops.length - 1);
    const k = Math.min(stops.length - 2, Math.floor(place));
    return `rgb(${stops[k].map((value, c) => Math.round(value + (place - k) * (stops[k + 1][c] - value))).join(" ")})`;
  }),
]));

const shadeOf = (shades, value, peak) => shades[Math.round((SHADES - 1) * onScale(value, peak))];

// The scale with both means on it: precision above, recall below; what colours the points stands out.
function drawScale(canvas, { now, limits }, colours, samples) {
  const { context, width } = begin(canvas);
  const [left, right, top, bottom] = [8, width - 8, 18, 33];
  const { fontFamily } = getComputedStyle(canvas);
  const x = (value) => left + onScale(value, limits[1]) * (right - left);
  const shades = SHADED[colours.theme];
  shades.forEach((shade, i) => {
    context.fillStyle = shade;
    context.fillRect(left + (i * (right - left)) / SHADES, top, (right - left) / SHADES + 0.5, bottom - top);
  });
  context.font = `11px ${fontFamily}`;
  context.fillStyle = shades.at(-1);
  context.fillText("unlikely", left + 6, bottom - 4);
  context.textAlign = "right";
  context.fillStyle = shades[0];
  context.fillText("likely", right - 6, bottom - 4);
  mark("precision", now.distilled[0], colours.studentText, top - 1, -1, samples.includes("student"));
  mark("recall", now.distilled[1], colours.truth, bottom + 1, 1, samples.includes("truth"));

  function mark(name, value, colour, y, way, strong) {
    const at = x(value);
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(at, y);
    context.lineTo(at - 5, y + 8 * way);
    context.lineTo(at + 5, y + 8 * way);
    context.fill();
    context.font = `${strong ? 600 : 400} 13px ${fontFamily}`;
    const beyond = limits[1] - value > REACH ? "◂ " : "";
    const text = `${beyond}${name} ${number(value)}`;
    const wide = context.measureText(text).width;
    const onLeft = at - 9 - wide >= left;
    context.textAlign = onLeft ? "right" : "left";
    context.fillText(text, onLeft ? at - 9 : at + 9, way < 0 ? y - 1 : y + 10);
  }
}
