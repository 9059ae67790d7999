// Draws the frontier, precision against recall along beta, and what precision consists of. Knows nothing of controls.

const CURVES = { teacher: ["teacher", [8, 3, 2, 3]], cooled: ["direct", [6, 3]], distilled: ["student", []] };

// Precision upwards, recall to the right. Recall is spaced by the square root of its distance to the limit -H(p*),
// so that both a full cover and a collapse can be read. Beta came by the trail, which starts at `from`.
function drawFrontier(canvas, { picture, runs, stale }, colours, from) {
  const { context, width, height } = begin(canvas);
  const { now, curves, betas } = picture;
  const [own, peak] = picture.limits;
  let [lowest, farthest] = [own, 1];
  const reach = (p, r) => {
    lowest = Math.min(lowest, p);
    farthest = Math.max(farthest, own - r);
  };
  for (const curve of Object.values(curves)) for (let i = 0; i < curve.length; i += 2) reach(curve[i], curve[i + 1]);
  for (const [p, r] of Object.values(now)) reach(p, r);
  for (const [p, r, directP, directR] of runs) {
    reach(p, r);
    reach(directP, directR);
  }
  const floor = lowest - 0.1 * (peak - lowest);
  const far = 1.06 * Math.sqrt(farthest);
  const box = { left: 34, right: width - 16, top: 22, bottom: height - 36 };
  const x = (recall) => box.right - (Math.sqrt(Math.max(0, own - recall)) / far) * (box.right - box.left);
  const y = (precision) => box.top + ((peak - precision) / (peak - floor)) * (box.bottom - box.top);

  context.strokeStyle = colours.line;
  context.fillStyle = colours.muted;
  context.textAlign = "right";
  const rough = (peak - floor) / 5;
  const step = [0.25, 0.5, 1, 2, 5, 10].find((candidate) => candidate >= rough) ?? 20;
  for (let tick = Math.floor(peak / step) * step; tick > floor; tick -= step) {
    drawLine(context, box.left, y(tick), box.right, y(tick));
    context.fillText(number(tick, step < 1 ? 2 : 0), box.left - 5, y(tick) + 4);
  }
  context.textAlign = "center";
  let last = Infinity;
  for (const tick of [0, -1, -2, -3, -5, -10, -20, -40, -70, -100, -200]) {
    if (tick > own || x(tick) < box.left || x(tick) > last - 30) continue;
    last = x(tick);
    drawLine(context, last, box.top, last, box.bottom);
    context.fillText(number(tick, 0), last, box.bottom + 15);
  }
  context.fillText("recall (nats, square-root scale) →", (box.left + box.right) / 2, height - 5);
  context.textAlign = "left";
  context.fillText("↑ precision (nats)", 2, 12);

  context.strokeStyle = context.fillStyle = colours.truth;
  context.lineWidth = 1.25;
  context.setLineDash([2, 3]);
  drawLine(context, box.left, box.top, box.right, box.top);
  drawLine(context, box.right, box.top, box.right, box.bottom);
  context.setLineDash([]);
  context.textAlign = "right";
  context.fillText("dotted: the limits", box.right, box.top - 6);

  for (const [p, r, directP, directR] of runs) {
    dot(directP, directR, colours.direct, 1.8, 0.45);
    dot(p, r, colours.student, 1.8, 0.45);
  }
  if (runs.length) for (const [column, colour] of [[2, "direct"], [0, "student"]]) band(column, colours[colour]);
  for (const [name, [colour, dashes]] of Object.entries(CURVES)) {
    context.strokeStyle = colours[colour];
    context.globalAlpha = stale ? 0.2 : 0.5;
    context.lineWidth = 2;
    trace(curves[name], dashes, name === "distilled");
  }
  if (from !== null) trail();
  context.globalAlpha = 1;

  // Of runs, the middle eight in ten in precision and in recall, through the middle one.
  function band(column, colour) {
    const at = (axis, share) => {
      const values = runs.map((run) => run[column + axis]).sort((a, b) => a - b);
      return values[Math.round(share * (values.length - 1))];
    };
    context.strokeStyle = colour;
    context.lineWidth = 2;
    drawLine(context, x(at(1, 0.1)), y(at(0, 0.5)), x(at(1, 0.9)), y(at(0, 0.5)));
    drawLine(context, x(at(1, 0.5)), y(at(0, 0.1)), x(at(1, 0.5)), y(at(0, 0.9)));
  }

  // Where the student jumps between two stops, its line is dotted.
  function trace(curve, dashes, jumps) {
    const jumped = (i) => Boolean(jumps && picture.jumps[Math.floor(i / FINE)]);
    for (let i = 0; 2 * i + 3 < curve.length; i++) {
      if (!i || jumped(i) !== jumped(i - 1)) {
        if (i) context.stroke();
        context.beginPath();
        context.setLineDash(jumped(i) ? [1, 5] : dashes);
        context.moveTo(x(curve[2 * i + 1]), y(curve[2 * i]));
      }
      context.lineTo(x(curve[2 * i + 3]), y(curve[2 * i + 2]));
    }
    context.stroke();
    context.setLineDash([]);
  }

  function trail() {
    const curve = curves.distilled;
    context.globalAlpha = 1;
    context.strokeStyle = colours.student;
    context.lineWidth = 3.5;
    context.lineCap = "round";
    context.beginPath();
    const steps = (beta) => placeOf(betas, beta).reduce((i, t) => (i + t) * FINE);
    for (let i = Math.ceil(steps(from)); i <= steps(picture.setting.beta); i++) context.lineTo(x(curve[2 * i + 1]), y(curve[2 * i]));
    context.lineTo(x(now.distilled[1]), y(now.distilled[0]));
    context.stroke();
    context.lineCap = "butt";
  }

  function dot(p, r, colour, radius, alpha = 1) {
    context.globalAlpha = alpha;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x(r), y(p), radius, 0, 2 * Math.PI);
    context.fill();
    context.globalAlpha = 1;
  }

  star(context, x(own), y(own), colours.truth);
  dot(...now.teacher, colours.teacher, 4);
  dot(...now.cooled, colours.ground, 4.5);
  context.strokeStyle = colours.direct;
  context.lineWidth = 2;
  context.stroke();
  context.fillStyle = colours.direct;
  context.save();
  context.translate(x(now.direct[1]), y(now.direct[0]));
  context.rotate(Math.PI / 4);
  context.fillRect(-4.5, -4.5, 9, 9);
  context.restore();
  dot(...now.distilled, colours.student, 6.5);
  context.strokeStyle = colours.ground;
  context.stroke();

  const names = new Names(context, { ...box, right: width }, colours.ground);
  for (const [p, r] of [...Object.values(now), [own, own]]) names.avoid(x(r), y(p), 7);
  const put = (text, colour, [p, r]) => names.put(text, colour, x(r), y(p), 6);
  put("student", colours.studentText, now.distilled);
  put("truth", colours.truth, [own, own]);
  put("teacher", colours.teacher, now.teacher);
  put(width > 420 ? "direct student" : "direct", colours.directText, now.direct);
  const same = Math.hypot(x(now.cooled[1]) - x(now.direct[1]), y(now.cooled[0]) - y(now.direct[0])) < 8;
  if (!same) put("direct, cooled", colours.directText, now.cooled);
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

// Precision as a sum, -H and then -KL from where that ends; ticks where the direct student's are. The axis stays along beta.
function drawParts(canvas, { now, curves, entropies, ownEntropy, directEntropy }, colours) {
  const { context, width } = begin(canvas);
  let [low, high] = [Math.min(0, now.direct[0], -directEntropy), Math.max(0, -directEntropy)];
  for (let i = 0; i < entropies.length; i++) {
    low = Math.min(low, curves.distilled[2 * i], -entropies[i]);
    high = Math.max(high, -entropies[i]);
  }
  low = Math.min(low, now.distilled[0], -ownEntropy);
  high = Math.max(high, -ownEntropy);
  const [left, right] = [8, width - 8];
  const x = (value) => left + ((value - low) / (high - low)) * (right - left);
  const [precision] = now.distilled;
  // Where the first bar ends, the second begins.
  context.strokeStyle = colours.muted;
  context.setLineDash([2, 2]);
  drawLine(context, x(-ownEntropy), 28, x(-ownEntropy), 48);
  drawLine(context, x(0), 13, x(0), 59);
  context.setLineDash([]);
  context.fillStyle = colours.muted;
  context.textAlign = "right";
  context.fillText(width > 420 ? "longer costs precision   0" : "0", x(0), 11);
  const [spread, sum] = [-ownEntropy, precision].map((value) => Math.round(100 * value) / 100); // so that what is printed adds up
  bar(17, `spread: −H(p″) = ${number(spread)}`, 0, -ownEntropy, -directEntropy, 0.45);
  bar(48, `off the truth: −KL(p″‖p*) = ${number(sum - spread)}`, -ownEntropy, precision, now.direct[0], 1);
  context.fillStyle = colours.directText;
  context.textAlign = "right";
  context.fillText("| direct student", right, 74);
  context.fillStyle = colours.studentText;
  context.textAlign = "left";
  context.font = `600 ${context.font}`;
  context.fillText(`sum: precision = ${number(precision)}`, left, 74);

  function bar(top, words, from, to, direct, alpha) {
    context.textAlign = "left";
    context.fillStyle = colours.ink;
    context.strokeStyle = colours.ground;
    context.lineWidth = 4;
    for (const draw of ["strokeText", "fillText"]) context[draw](words, left, top - 5);
    context.globalAlpha = alpha;
    context.fillStyle = colours.student;
    context.fillRect(Math.min(x(from), x(to)), top, Math.max(1, Math.abs(x(to) - x(from))), 11);
    context.globalAlpha = 1;
    context.fillStyle = colours.direct;
    context.fillRect(x(direct) - 1, top - 2, 2.5, 15);
  }
}
