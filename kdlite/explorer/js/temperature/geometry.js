// The texts of the truth and of one model as dots in one plane, and how much of the truth's cloud the other covers.

const PLANE = { width: 480, height: 260, margin: 10 }; // the picture's own units

function makeGeometry({ truth, curves }) {
  const svg = makePicture({ viewBox: `0 0 ${PLANE.width} ${PLANE.height}` });
  const name = make("span");
  const own = make("b");
  const key = (kind) => make("span", { class: `kd-dot kd-dot-${kind}`, "aria-hidden": "true" });
  const model = make("span", { class: "kd-model" }, key("model"), name);
  const element = make("div", { class: "kd-geometry" },
    make("p", { class: "kd-title" },
      "A dot is a text: the mean of the truth’s hidden states over it, in the plane where the truth’s texts spread most ",
      `(${percent(truth.share[0] + truth.share[1])} of their variance)`),
    svg,
    make("p", { class: "kd-keys" }, make("span", {}, key("truth"), "truth"), model),
    make("p", { class: "kd-coverage" }, "Coverage: ", own, ` of the truth’s texts have one of the model’s nearer than their fifth neighbour among themselves (new texts of the truth: ${plusMinus(truth.coverage)})`));
  const place = frame([truth, ...Object.values(curves).flatMap(({ rows }) => rows)].flatMap(({ points }) => points));
  const dots = ({ points }, kind) => points.map((point) => {
    const [cx, cy] = place(point);
    return makeShape("circle", { cx, cy, r: 3, class: `kd-dot-${kind}` });
  });

  function show(row, curve, tau) {
    name.textContent = WHOSE[curve];
    own.textContent = plusMinus(row.coverage);
    element.dataset.curve = curve;
    const { size, distance } = compare(row.points, truth.points);
    svg.setAttribute("aria-label",
      `Texts of the truth, as rings, and of the ${WHOSE[curve]} at τ = ${tau}, as disks. The disks spread ${number(size)} times ` +
      `as wide as the rings, and their centre lies ${number(distance)} of the rings’ width from the rings’ centre.`);
    svg.replaceChildren(...dots(truth, "truth"), ...dots(row, "model"));
  }

  const say = (row) => `Its texts cover ${plusMinus(row.coverage)} of the truth’s; new texts of the truth cover ${plusMinus(truth.coverage)}.`;
  return { element, show, say };
}

const plusMinus = ([value, error]) => `${number(value)} ± ${number(error)}`;

// From the plane to the picture, one scale in both directions, so that all of the points are in it.
function frame(points) {
  const [left, right] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const [low, high] = [Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y))];
  const { width, height, margin } = PLANE;
  const scale = Math.min((width - 2 * margin) / (right - left || 1), (height - 2 * margin) / (high - low || 1));
  return ([x, y]) => [
    (width / 2 + scale * (x - (left + right) / 2)).toFixed(1),
    (height / 2 - scale * (y - (low + high) / 2)).toFixed(1),
  ];
}

// One cloud beside another: its width (root of the mean squared distance from the centre), and how far away it is.
function compare(cloud, other) {
  const centre = (points) => [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);
  const between = ([x0, y0], [x1, y1]) => Math.hypot(x0 - x1, y0 - y1);
  const [mine, theirs] = [centre(cloud), centre(other)];
  const width = (points, middle) => Math.sqrt(points.reduce((sum, point) => sum + between(point, middle) ** 2, 0) / points.length);
  const unit = width(other, theirs) || 1;
  return { size: width(cloud, mine) / unit, distance: between(mine, theirs) / unit };
}
