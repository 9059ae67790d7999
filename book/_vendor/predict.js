// Predict first: a box asks for a choice, for a drawing, or for a thought, and what answers it shows after that.
//
// A list in the box is a choice; a comment in it, <!-- 2 -->, says which is right. A script of the class "guess" in the
// cell behind it is what a drawing is held against: places of recall and precision, in nats, computed by that cell.
// Without this script all is shown; nothing is remembered.
(() => {
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElementNS(tag in SHAPES ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const SHAPES = { svg: 1, circle: 1, path: 1, text: 1, g: 1 };
  const inNats = (value) => value.toFixed(1).replace("-", "−");

  // What stands between a box and the end of the paragraph that follows its cells. A widget is no answer: it is to be used.
  function answersOf(box) {
    const found = [];
    for (let next = box.nextElementSibling; next && !next.matches("section, .admonition, details"); next = next.nextElementSibling) {
      if (next.querySelector("[type*=widget-view], .anywidget-static")) break;
      if (next.matches(".cell")) found.push(...next.querySelectorAll(".cell_output"));
      else if (found.some((output) => !output.querySelector(".guess"))) return next.matches("p") ? [...found, next] : found;
    }
    return found;
  }

  // Hides the answers until `show` is called, the browser's search finds one, or the reader runs or prints it.
  function cover(answers) {
    const watch = new MutationObserver(() => show());
    const show = () => {
      watch.disconnect();
      for (const answer of answers) answer.removeAttribute("hidden");
    };
    for (const answer of answers) {
      answer.setAttribute("hidden", "until-found");
      answer.addEventListener("beforematch", show);
      if (answer.matches(".cell_output")) watch.observe(answer, { childList: true });
    }
    window.addEventListener("beforeprint", show);
    return show;
  }

  function button(label, press) {
    const element = make("button", { type: "button" }, label);
    element.addEventListener("click", press);
    return element;
  }

  function choice(list, right, show) {
    const said = make("p", { role: "status" });
    const items = [...list.children];
    const buttons = items.map((item, i) => {
      const element = button("", () => {
        buttons.forEach((other, j) => {
          other.setAttribute("aria-pressed", i === j);
          if (j + 1 === right) other.dataset.right = "";
        });
        said.textContent = right ? (i + 1 === right ? "That is right." : "It is the one with the tick.") : "";
        show();
      });
      element.append(...item.childNodes);
      item.replaceChildren(element);
      return element;
    });
    list.classList.add("choices");
    list.after(said);
  }

  // Points to drag on a plane of recall and precision, and on Reveal the curve on which they should lie.
  function drawing(box, { x, y, fixed, guesses, curve }, show) {
    const [width, height] = [Math.max(280, box.clientWidth - 45), 280];
    const inside = { left: 34, right: width - 14, top: 28, bottom: height - 34 };
    const across = (recall) => inside.left + ((recall - x[0]) / (x[1] - x[0])) * (inside.right - inside.left);
    const up = (precision) => inside.bottom - ((precision - y[0]) / (y[1] - y[0])) * (inside.bottom - inside.top);
    const text = (words, at, up, attributes) => make("text", { x: at, y: up, ...attributes }, words);
    const plane = make("svg", { viewBox: `0 0 ${width} ${height}`, class: "guessed", role: "group", "aria-label": "Your guess" });
    const ticks = ([low, high], step) => Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => Math.ceil(low / step) * step + i * step);
    for (const tick of ticks(x, 10)) plane.append(make("path", { class: "grid", d: `M${across(tick)} ${inside.top}V${inside.bottom}` }), text(inNats(tick).replace(".0", ""), across(tick), inside.bottom + 15, { "text-anchor": "middle" }));
    for (const tick of ticks(y, 2)) plane.append(make("path", { class: "grid", d: `M${inside.left} ${up(tick)}H${inside.right}` }), text(inNats(tick).replace(".0", ""), inside.left - 5, up(tick) + 4, { "text-anchor": "end" }));
    plane.append(text("recall (nats) →", inside.right, height - 4, { "text-anchor": "end" }), text("↑ precision (nats)", 2, 11));
    for (const { name, role, at: [r, p] } of fixed) {
      const onLeft = across(r) > width / 2;
      plane.append(make("circle", { class: role, cx: across(r), cy: up(p), r: 6 }), text(name, across(r) + (onLeft ? -8 : 8), up(p) + (up(p) > height / 2 ? 18 : -8), { class: role, "text-anchor": onLeft ? "end" : "start" }));
    }
    const line = make("path", { class: "guess-line" });
    plane.append(line);
    const trace = (points) => `M${points.map(([r, p]) => `${across(r)} ${up(p)}`).join("L")}`;
    const places = guesses.map((_, i) => [x[0] + ((x[1] - x[0]) * (guesses.length - i)) / (guesses.length + 1), (y[0] + y[1]) / 2]);
    const start = curve.length ? [curve[0]] : [];
    const end = curve.length ? [curve.at(-1)] : [];
    const handles = guesses.map(({ name }, i) => {
      const handle = make("g", { role: "slider", tabindex: 0, "aria-label": name, "aria-valuemin": y[0], "aria-valuemax": y[1] },
        make("circle", { r: 22, class: "reach" }), make("circle", { r: 9 }), text(name, 0, -14, { "text-anchor": "middle" }));
      const move = (r, p) => {
        places[i] = [Math.min(x[1], Math.max(x[0], r)), Math.min(y[1], Math.max(y[0], p))];
        handle.setAttribute("transform", `translate(${across(places[i][0])} ${up(places[i][1])})`);
        handle.setAttribute("aria-valuenow", places[i][1]);
        handle.setAttribute("aria-valuetext", `precision ${inNats(places[i][1])}, recall ${inNats(places[i][0])}`);
        if (curve.length) line.setAttribute("d", trace([...start, ...places, ...end]));
      };
      handle.addEventListener("touchstart", (event) => event.preventDefault()); // the page stays while a finger draws
      handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        const frame = plane.getBoundingClientRect();
        const [px, py] = [((event.clientX - frame.left) / frame.width) * width, ((event.clientY - frame.top) / frame.height) * height];
        move(x[0] + ((px - inside.left) / (inside.right - inside.left)) * (x[1] - x[0]), y[0] + ((inside.bottom - py) / (inside.bottom - inside.top)) * (y[1] - y[0]));
      });
      handle.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: [-0.5, 0], ArrowRight: [0.5, 0], ArrowUp: [0, 0.2], ArrowDown: [0, -0.2] }[event.key];
        if (!step) return;
        event.preventDefault();
        move(places[i][0] + step[0], places[i][1] + step[1]);
      });
      move(...places[i]);
      return handle;
    });
    plane.append(...handles);
    const said = make("p", { role: "status" });
    const reveal = button("Reveal", () => {
      reveal.remove();
      if (curve.length) plane.append(make("path", { class: "student curve", d: trace(curve) }));
      said.textContent = guesses.map(({ name, at }, i) => {
        plane.append(make("path", { class: "gap", d: trace([places[i], at]) }), make("circle", { class: "student", cx: across(at[0]), cy: up(at[1]), r: 6 }));
        const off = ["precision", "recall"].map((score, k) => `${inNats(Math.abs(places[i][1 - k] - at[1 - k]))} in ${score}`);
        return `${name}: precision ${inNats(at[1])}, recall ${inNats(at[0])}; you were off by ${off.join(" and ")}.`;
      }).join("\n");
      show();
    });
    box.append(make("p", {}, "Drag, or move with the arrow keys; then reveal."), plane, reveal, said);
  }

  for (const box of document.querySelectorAll(".admonition-predict")) {
    const answers = answersOf(box);
    const show = cover(answers);
    const data = box.nextElementSibling?.querySelector("script.guess");
    const list = box.querySelector("ul");
    if (data) drawing(box, JSON.parse(data.textContent), show);
    else if (list) {
      const comments = document.createNodeIterator(box, NodeFilter.SHOW_COMMENT);
      choice(list, Number(comments.nextNode()?.data), show);
    } else if (answers.length) {
      const shown = button("I have my guess: show the answer", () => {
        shown.remove();
        show();
      });
      box.append(shown);
    }
  }
})();
