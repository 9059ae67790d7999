// Densities of mixtures in the plane. Knows nothing of drawing.

const GRID = 128; // cells along each side of the plane
const EXTENT = 2; // the plane shown is [-2, 2] in both directions

// Rows of (weight, mean, covariance) as rows of (log of the height, mean, inverse covariance).
function prepare(rows, prepared = new Float64Array(rows.length)) {
  for (let k = 0; k < rows.length; k += 6) {
    const [xx, xy, yy] = [rows[k + 3], rows[k + 4], rows[k + 5]];
    const det = xx * yy - xy * xy;
    prepared[k] = rows[k] > 0 ? Math.log(rows[k]) - 0.5 * Math.log(det) - Math.log(2 * Math.PI) : -Infinity;
    prepared[k + 1] = rows[k + 1];
    prepared[k + 2] = rows[k + 2];
    prepared[k + 3] = yy / det;
    prepared[k + 4] = -xy / det;
    prepared[k + 5] = xx / det;
  }
  return prepared;
}

// The log-density at (x, y), in nats; right even where the density underflows.
function logDensity(prepared, x, y) {
  let top = -Infinity;
  let sum = 0;
  for (let k = 0; k < prepared.length; k += 6) {
    if (prepared[k] === -Infinity) continue;
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
