// Draws the frontier of a run: precision upwards, recall to the right, as in the book’s figures.

// Numbers between two values, as round as possible, at most n of them.
function roundTicks(low, high, n) {
  const step = [0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50].find((each) => (high - low) / each <= n) ?? 100;
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return ticks;
}

function drawRun(svg, run, index, curve) {
  const [width, height] = [svg.clientWidth, svg.clientHeight];
  const own = run.truth.score;
  const all = [run.direct, [own, own], ...Object.values(run.curves).flatMap(({ points }) => points)];
  const [bottom, top] = range(all.map(([p]) => p));
  const [left, right] = range(all.map(([, r]) => r));
  const box = { left: 40, right: width - 10, top: 26, bottom: height - 38 };
  const x = (recall) => box.left + ((recall - left) / (right - left)) * (box.right - box.left);
  const y = (precision) => box.bottom - ((precision - bottom) / (top - bottom)) * (box.bottom - box.top);
  const line = (x1, y1, x2, y2, name) => makeShape("line", { x1, y1, x2, y2, class: name });
  const text = (words, x0, y0, anchor = "start") => makeShape("text", { x: x0, y: y0, "text-anchor": anchor }, words);
  const shapes = [];
  for (const tick of roundTicks(bottom, top, 5)) {
    shapes.push(line(box.left, y(tick), box.right, y(tick), "kd-grid"), text(number(tick, 1), box.left - 6, y(tick) + 4, "end"));
  }
  for (const tick of roundTicks(left, right, Math.max(2, width / 80))) {
    shapes.push(line(x(tick), box.top, x(tick), box.bottom, "kd-grid"), text(number(tick, 1), x(tick), box.bottom + 16, "middle"));
  }
  shapes.push(
    text("↑ precision", 2, 14),
    text("truth: recall ≤ −H(p*)", box.right, 14, "end"),
    text("recall (nats a token) →", (box.left + box.right) / 2, height - 4, "middle"),
    line(x(own), box.top, x(own), box.bottom, "kd-limit"),
    star(x(own), y(own)),
  );
  for (const [name, { points }] of Object.entries(run.curves)) {
    const path = points.map(([p, r]) => `${x(r).toFixed(1)},${y(p).toFixed(1)}`).join(" ");
    shapes.push(makeShape("polyline", { points: path, class: "kd-curve", "data-curve": name, ...(name === curve && { "data-shown": "" }) }));
  }
  const [directX, directY] = [x(run.direct[1]), y(run.direct[0])];
  const turn = `rotate(45 ${directX} ${directY})`;
  shapes.push(makeShape("rect", { x: directX - 4.5, y: directY - 4.5, width: 9, height: 9, transform: turn, class: "kd-start" }));
  const names = Object.keys(WHOSE).filter((name) => name !== curve);
  for (const name of [...names, curve]) { // the chosen one on top
    const [p, r] = run.curves[name].points[index];
    shapes.push(makeShape("circle", { cx: x(r), cy: y(p), r: name === curve ? 7.5 : 4.5, class: "kd-point", "data-curve": name }));
  }
  svg.replaceChildren(...shapes);

  function range(values) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = 0.06 * (high - low || 1);
    return [low - margin, high + margin];
  }

  function star(cx, cy) {
    const corners = Array.from({ length: 10 }, (_, i) => {
      const [angle, radius] = [(i * Math.PI) / 5 - Math.PI / 2, i % 2 ? 3 : 7.5];
      return `${cx + radius * Math.cos(angle)},${cy + radius * Math.sin(angle)}`;
    });
    return makeShape("polygon", { points: corners.join(" "), class: "kd-star" });
  }
}
