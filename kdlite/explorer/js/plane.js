// Draws the plane: the truth as a heat map, teacher and student as ellipses, samples as points. Knows nothing of controls.

const FAINT = 0.3; // of a line's opacity, for a component of no weight: none is hidden

const isIn = (x, y, [mx, my, xx, xy, yy]) => {
  const [dx, dy, det] = [x - mx, y - my, xx * yy - xy * xy];
  return (dx * dx * yy - 2 * dx * dy * xy + dy * dy * xx) / det < 4;
};

// The number of the teacher's component at a point of the plane, -1 for none; the smallest counts where several lie.
function componentAt(rows, x, y) {
  let [found, size] = [-1, Infinity];
  for (let k = 0; k < rows.length; k += 6) {
    const own = rows[k + 3] * rows[k + 5] - rows[k + 4] ** 2;
    if (own < size && isIn(x, y, rows.subarray(k + 1, k + 6))) [found, size] = [k / 6, own];
  }
  return found;
}

// The truth as a heat map, kept until the truth or the colour changes.
function heatMap(cache, truth, colour) {
  const key = `${colour} ${truth.join()}`;
  if (cache.key === key) return cache.image;
  const values = onGrid(prepare(truth)).map(Math.exp);
  const top = values.reduce((a, b) => Math.max(a, b));
  const image = document.createElement("canvas");
  image.width = image.height = GRID + 1;
  const context = image.getContext("2d");
  const pixels = context.createImageData(GRID + 1, GRID + 1);
  const value = parseInt(colour.slice(1), 16);
  const [red, green, blue] = [value >> 16, (value >> 8) & 255, value & 255];
  for (let row = 0, i = 0; row <= GRID; row++) {
    for (let column = 0; column <= GRID; column++, i++) {
      pixels.data.set([red, green, blue, (150 * values[i]) / top], 4 * ((GRID - row) * (GRID + 1) + column));
    }
  }
  context.putImageData(pixels, 0, 0);
  Object.assign(cache, { key, image });
  return image;
}

// `view` has the samples' points, whose to draw, the component that is pointed at, and room for the heat map.
function drawPlane(canvas, picture, colours, view) {
  const { context, width, height } = begin(canvas);
  const x = (value) => ((value + EXTENT) / (2 * EXTENT)) * width;
  const y = (value) => height - ((value + EXTENT) / (2 * EXTENT)) * height;
  const half = width / GRID / 2; // a pixel of the heat map is centred on a corner of the grid
  context.imageSmoothingQuality = "low";
  context.drawImage(heatMap(view.heat, picture.truth, colours.truth), -half, -half, width + 2 * half, height + 2 * half);

  context.fillStyle = colours.muted;
  for (const tick of [-1, 0, 1]) {
    context.textAlign = "center";
    context.fillText(number(tick, 0), x(tick), height - 5);
    context.textAlign = "left";
    context.fillText(number(tick, 0), 5, y(tick) + 4);
  }

  ellipses(picture.teacher, colours.teacher, 0.5, 1.25);
  const radius = Math.max(2, width / 210);
  for (const name of ["teacher", "truth", "student"]) if (view.drawn.includes(name)) dots(view.samples[name], name);
  ellipses(picture.student, colours.student, 0.12, 2.25);

  function dots({ points, lag, values }, name) {
    const shades = SHADED[colours.theme];
    context.fillStyle = colours.teacher;
    for (let i = 0; i < values.length; i++) {
      if (name !== "teacher") context.fillStyle = shadeOf(shades, values[i], picture.limits[1]);
      context.beginPath();
      context.arc(x(points[2 * i] + lag[2 * i]), y(points[2 * i + 1] + lag[2 * i + 1]), radius, 0, 2 * Math.PI);
      context.fill();
    }
  }

  function ellipses(rows, colour, fill, line) {
    context.strokeStyle = context.fillStyle = colour;
    for (let k = 0; k < rows.length; k += 6) {
      const [weight, mx, my, xx, xy, yy] = rows.subarray(k, k + 6);
      if (!(xx > 0)) continue;
      const middle = (xx + yy) / 2;
      const spread = Math.hypot((xx - yy) / 2, xy);
      const scale = (2 * width) / (2 * EXTENT);
      const pointed = rows === picture.teacher && view.pointed === k / 6;
      context.beginPath();
      context.ellipse(x(mx), y(my), scale * Math.sqrt(middle + spread), scale * Math.sqrt(Math.max(0, middle - spread)),
        -0.5 * Math.atan2(2 * xy, xx - yy), 0, 2 * Math.PI);
      context.globalAlpha = fill * weight;
      context.fill();
      context.globalAlpha = pointed ? 1 : FAINT + (1 - FAINT) * Math.min(1, 2 * weight);
      context.lineWidth = pointed ? 3 : line;
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  name(context, picture, colours, view, x, y, width, height);
}

// The heaviest row.
const heaviest = (rows) => {
  let best = 0;
  for (let k = 6; k < rows.length; k += 6) if (rows[k] > rows[best]) best = k;
  return rows.subarray(best, best + 6);
};

function name(context, { truth, teacher, student }, colours, view, x, y, width, height) {
  const names = new Names(context, { left: 0, right: width, top: 0, bottom: height }, colours.ground);
  const away = (variance) => (2 * Math.sqrt(variance) * width) / (2 * EXTENT);
  const [, sx, sy, , , syy] = heaviest(student);
  names.put("student p″", colours.studentText, x(sx), y(sy), away(syy));
  const [, tx, ty, , , tyy] = heaviest(teacher);
  names.put("teacher p′", colours.teacher, x(tx), y(ty), away(tyy));
  // The truth is named where the student is farthest away.
  let [far, at] = [-1, 0];
  for (let k = 0; k < truth.length; k += 6) {
    const distance = truth[k] > 0 ? Math.hypot(truth[k + 1] - sx, truth[k + 2] - sy) : -1;
    if (distance > far) [far, at] = [distance, k];
  }
  names.put("truth p* (grey)", colours.truth, x(truth[at + 1]), y(truth[at + 2]), away(truth[at + 5]));
  const k = 6 * view.pointed;
  if (k < 0 || k >= teacher.length) return;
  names.put(`${view.pointed + 1}`, colours.teacher, x(teacher[k + 1]), y(teacher[k + 2]), 0);
}
