// Draws the plane and the teacher's weights. Knows nothing of controls.

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
  context.font = `12px ${getComputedStyle(canvas).fontFamily}`;
  return { context, width, height };
}

function rgb(colour) {
  const value = parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
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
  const [red, green, blue] = rgb(colour);
  for (let row = 0, i = 0; row <= GRID; row++) {
    for (let column = 0; column <= GRID; column++, i++) {
      pixels.data.set([red, green, blue, (190 * values[i]) / top], 4 * ((GRID - row) * (GRID + 1) + column));
    }
  }
  context.putImageData(pixels, 0, 0);
  Object.assign(cache, { key, image });
  return image;
}

function drawPlane(canvas, picture, colours, cache, samples) {
  const { context, width, height } = begin(canvas);
  const x = (value) => ((value + EXTENT) / (2 * EXTENT)) * width;
  const y = (value) => height - ((value + EXTENT) / (2 * EXTENT)) * height;
  const half = width / GRID / 2; // a pixel of the heat map is centred on a corner of the grid
  context.imageSmoothingQuality = "low";
  context.drawImage(heatMap(cache, picture.truth, colours.truth), -half, -half, width + 2 * half, height + 2 * half);

  context.fillStyle = colours.muted;
  for (const tick of [-1, 0, 1]) {
    context.textAlign = "center";
    context.fillText(number(tick, 0), x(tick), height - 5);
    context.textAlign = "left";
    context.fillText(number(tick, 0), 5, y(tick) + 4);
  }

  for (const name of samples) {
    context.fillStyle = colours[name];
    context.globalAlpha = 0.6;
    for (const [px, py] of points(picture[name])) {
      context.beginPath();
      context.arc(x(px), y(py), 1.7, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  context.strokeStyle = context.fillStyle = colours.teacher;
  for (let k = 0; k < picture.teacher.length; k += 6) {
    const [weight, mx, my, xx, xy, yy] = picture.teacher.subarray(k, k + 6);
    const middle = (xx + yy) / 2;
    const spread = Math.hypot((xx - yy) / 2, xy);
    const radii = [middle + spread, middle - spread].map((v) => (2 * Math.sqrt(v) * width) / (2 * EXTENT));
    context.beginPath();
    context.ellipse(x(mx), y(my), ...radii, -0.5 * Math.atan2(2 * xy, xx - yy), 0, 2 * Math.PI);
    context.globalAlpha = 0.55 * weight;
    context.fill();
    context.globalAlpha = 0.25 + 0.75 * Math.min(1, 3 * weight);
    context.lineWidth = 1.25;
    context.stroke();
  }
  context.globalAlpha = 1;

  const values = onGrid(prepare(picture.student));
  const top = values.reduce((a, b) => Math.max(a, b));
  const cell = width / GRID;
  context.strokeStyle = colours.student;
  context.lineWidth = 1.9;
  context.lineJoin = "round";
  context.beginPath();
  for (const level of [0.1, 0.3, 0.6, 0.9]) {
    for (const line of contour(values, top + Math.log(level))) {
      line.forEach(([px, py], i) => context[i ? "lineTo" : "moveTo"](px * cell, height - py * cell));
    }
  }
  context.stroke();
}

// The teacher's weights as bars, with a mark where each was before sharpening.
function drawWeights(canvas, picture, colours) {
  const { context, width, height } = begin(canvas);
  const box = { left: 34, right: width - 16, top: 8, bottom: height - 18 };
  const slot = (box.right - box.left) / picture.original.length;
  const bar = Math.min(0.7 * slot, 44);
  const y = (weight) => box.bottom - weight * (box.bottom - box.top);
  context.strokeStyle = colours.line;
  context.fillStyle = colours.muted;
  for (const tick of [0, 0.5, 1]) {
    context.beginPath();
    context.moveTo(box.left, y(tick));
    context.lineTo(box.right, y(tick));
    context.stroke();
    context.textAlign = "right";
    context.fillText(tick, box.left - 5, y(tick) + 4);
  }
  context.textAlign = "center";
  context.lineWidth = 2;
  picture.original.forEach((original, k) => {
    const middle = box.left + (k + 0.5) * slot;
    context.fillStyle = colours.muted;
    context.fillText(k + 1, middle, height - 4);
    context.fillStyle = colours.teacher;
    const weight = picture.teacher[6 * k];
    context.fillRect(middle - bar / 2, y(weight), bar, box.bottom - y(weight));
    context.strokeStyle = colours.ink;
    context.beginPath();
    context.moveTo(middle - bar / 2 - 3, y(original));
    context.lineTo(middle + bar / 2 + 3, y(original));
    context.stroke();
  });
}
