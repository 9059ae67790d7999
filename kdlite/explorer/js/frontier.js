// Draws the frontier: precision against recall along beta. Knows nothing of controls.

const DASHES = { distilled: [], cooled: [6, 3], teacher: [8, 3, 2, 3] };

// Precision upwards, recall to the right. Recall is spaced by the square root of its distance to the limit -H(p*),
// so that both a full cover and a collapse can be read.
function drawFrontier(canvas, { picture, runs, stale }, colours) {
  const { context, width, height } = begin(canvas);
  const [own, peak] = picture.limits;
  const all = [...Object.values(picture.curves).flat(), ...Object.values(picture.now), [own, own]];
  for (const [p, r, directP, directR] of runs) all.push([p, r], [directP, directR]);
  const lowest = Math.min(...all.map(([p]) => p));
  const floor = lowest - 0.1 * (peak - lowest);
  const far = 1.06 * Math.sqrt(Math.max(...all.map(([, r]) => own - r), 1));
  const box = { left: 34, right: width - 16, top: 22, bottom: height - 36 };
  const x = (recall) => box.right - (Math.sqrt(Math.max(0, own - recall)) / far) * (box.right - box.left);
  const y = (precision) => box.top + ((peak - precision) / (peak - floor)) * (box.bottom - box.top);

  context.strokeStyle = colours.line;
  context.fillStyle = colours.muted;
  context.lineWidth = 1;
  context.textAlign = "right";
  const rough = (peak - floor) / 5;
  const step = [0.25, 0.5, 1, 2, 5, 10].find((candidate) => candidate >= rough) ?? 20;
  for (let tick = Math.floor(peak / step) * step; tick > floor; tick -= step) {
    grid(box.left, y(tick), box.right, y(tick));
    context.fillText(number(tick, step < 1 ? 2 : 0), box.left - 5, y(tick) + 4);
  }
  context.textAlign = "center";
  let last = Infinity;
  for (const tick of [0, -1, -2, -3, -5, -10, -20, -40, -70, -100, -200]) {
    if (tick > own || x(tick) < box.left || x(tick) > last - 30) continue;
    last = x(tick);
    grid(last, box.top, last, box.bottom);
    context.fillText(number(tick, 0), last, box.bottom + 15);
  }
  context.fillText("recall (nats) →", (box.left + box.right) / 2, height - 5);
  context.textAlign = "left";
  context.fillText("↑ precision (nats)", 2, 12);

  function grid(x0, y0, x1, y1) {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
  }

  context.strokeStyle = context.fillStyle = colours.truth;
  context.lineWidth = 1.25;
  context.setLineDash([2, 3]);
  grid(box.left, box.top, box.right, box.top);
  grid(box.right, box.top, box.right, box.bottom);
  context.setLineDash([]);
  context.textAlign = "right";
  context.fillText("precision ≤ max log p*", box.right, box.top - 6);
  context.save();
  context.translate(box.right + 12, box.bottom);
  context.rotate(-Math.PI / 2);
  context.textAlign = "left";
  context.fillText("recall ≤ −H(p*)", 0, 0);
  context.restore();

  for (const [p, r, directP, directR] of runs) {
    dot(directP, directR, colours.direct, 1.8, 0.45);
    dot(p, r, colours.student, 1.8, 0.45);
  }
  for (const [name, colour] of [["teacher", "teacher"], ["cooled", "direct"], ["distilled", "student"]]) {
    context.strokeStyle = colours[colour];
    context.globalAlpha = stale ? 0.2 : 0.5;
    context.lineWidth = 2;
    context.setLineDash(DASHES[name]);
    context.beginPath();
    for (const [p, r] of picture.curves[name]) context.lineTo(x(r), y(p));
    context.stroke();
  }
  context.setLineDash([]);
  context.globalAlpha = 1;

  function dot(p, r, colour, radius, alpha = 1) {
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x(r), y(p), radius, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
  }

  star(context, x(own), y(own), colours.truth);
  dot(...picture.now.teacher, colours.teacher, 4);
  dot(...picture.now.cooled, colours.ground, 4.5);
  context.strokeStyle = colours.direct;
  context.lineWidth = 2;
  context.stroke();
  const [directP, directR] = picture.now.direct;
  context.fillStyle = colours.direct;
  context.save();
  context.translate(x(directR), y(directP));
  context.rotate(Math.PI / 4);
  context.fillRect(-4.5, -4.5, 9, 9);
  context.restore();
  const [p, r] = picture.now.distilled;
  dot(p, r, colours.student, 6.5);
  context.strokeStyle = colours.ground;
  context.stroke();
}

function star(context, cx, cy, colour) {
  context.fillStyle = colour;
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const angle = (i * Math.PI) / 5 - Math.PI / 2;
    const radius = i % 2 ? 3 : 7.5;
    context.lineTo(cx + radius * Math.cos(angle), cy + radius * Math.sin(angle));
  }
  context.fill();
}
