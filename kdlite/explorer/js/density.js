// Densities of mixtures in the plane, their contours, and points drawn from them.

const GRID = 128; // cells along each side of the plane
const EXTENT = 2; // the plane shown is [-2, 2] in both directions

// Rows of (weight, mean, covariance) as rows of (log of the height, mean, inverse covariance).
function prepare(rows) {
  const prepared = [];
  for (let k = 0; k < rows.length; k += 6) {
    const [weight, x, y, xx, xy, yy] = rows.subarray(k, k + 6);
    if (weight <= 0) continue;
    const det = xx * yy - xy * xy;
    prepared.push(Math.log(weight) - 0.5 * Math.log(det) - Math.log(2 * Math.PI), x, y, yy / det, -xy / det, xx / det);
  }
  return Float64Array.from(prepared);
}

// The log-density at (x, y), in nats; right even where the density underflows.
function logDensity(prepared, x, y) {
  let top = -Infinity;
  let sum = 0;
  for (let k = 0; k < prepared.length; k += 6) {
    const dx = x - prepared[k + 1];
    const dy = y - prepared[k + 2];
    const quadratic = dx * dx * prepared[k + 3] + 2 * dx * dy * prepared[k + 4] + dy * dy * prepared[k + 5];
    const term = prepared[k] - 0.5 * quadratic;
    if (term <= top) sum += Math.exp(term - top);
    else {
      sum = sum * Math.exp(top - term) + 1;
      top = term;
    }
  }
  return top + Math.log(sum);
}

// The log-density at the corners of the cells, from the lower left, row by row.
function onGrid(prepared) {
  const values = new Float64Array((GRID + 1) ** 2);
  const step = (2 * EXTENT) / GRID;
  for (let row = 0, i = 0; row <= GRID; row++) {
    for (let column = 0; column <= GRID; column++, i++) {
      values[i] = logDensity(prepared, column * step - EXTENT, row * step - EXTENT);
    }
  }
  return values;
}

// The contour at a level by marching squares: polylines of points (x, y), counted in cells. An edge between two
// corners that the contour crosses is 2 i from corner i to the right, and 2 i + 1 from it upwards.
function contour(values, level) {
  const side = GRID + 1;
  const links = new Map(); // each crossed edge to the one or two that come before and after it
  const link = (from, to) => links.set(from, [...(links.get(from) ?? []), to]);
  for (let row = 0; row < GRID; row++) {
    for (let column = 0, i = row * side; column < GRID; column++, i++) {
      const a = values[i] > level, b = values[i + 1] > level;
      const d = values[i + side] > level, c = values[i + side + 1] > level;
      if (a === b && b === c && c === d) continue;
      const crossed = [];
      if (a !== b) crossed.push(2 * i);
      if (b !== c) crossed.push(2 * (i + 1) + 1);
      if (c !== d) crossed.push(2 * (i + side));
      if (d !== a) crossed.push(2 * i + 1);
      for (let k = 0; k < crossed.length; k += 2) {
        link(crossed[k], crossed[k + 1]);
        link(crossed[k + 1], crossed[k]);
      }
    }
  }
  const point = (edge) => {
    const i = edge >> 1;
    const [row, column] = [Math.floor(i / side), i % side];
    const cut = (to) => (level - values[i]) / (values[to] - values[i]);
    return edge % 2 ? [column, row + cut(i + side)] : [column + cut(i + 1), row];
  };
  const walk = (edge) => {
    const points = [];
    for (; edge !== undefined; ) {
      points.push(point(edge));
      const next = links.get(edge)?.find((other) => links.has(other));
      links.delete(edge);
      edge = next;
    }
    return points;
  };
  const lines = [];
  for (const [edge, [first, second]] of links) {
    if (!links.has(edge)) continue;
    links.delete(edge);
    const closed = [first, second].every((other) => other !== undefined) && second !== first;
    const ahead = walk(first);
    const back = links.has(second) ? walk(second).reverse() : [];
    const line = [...back, point(edge), ...ahead];
    if (closed && !back.length) line.push(point(edge));
    lines.push(line);
  }
  return lines;
}

// The same noise for each mixture, so that points move with the slider and do not flicker.
const NOISE = (() => {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 4294967296;
  };
  return Array.from({ length: 200 }, () => {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    return [uniform(), radius * Math.cos(angle), radius * Math.sin(angle)];
  });
})();

function points(rows) {
  const on = Array.from({ length: rows.length / 6 }, (_, k) => rows.subarray(6 * k, 6 * k + 6)).filter(([weight]) => weight);
  return NOISE.map(([u, z0, z1]) => {
    let k = 0;
    for (let sum = on[0][0]; sum < u && k + 1 < on.length; sum += on[k][0]) k += 1;
    const [, x, y, xx, xy, yy] = on[k];
    const root = Math.sqrt(xx);
    const below = xy / root;
    return [x + root * z0, y + below * z0 + Math.sqrt(yy - below * below) * z1];
  });
}
