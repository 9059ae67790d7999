// The chains among a model's texts: the share of each, as bars with the truth's share across them, and as strips.

const chainGround = (chain) => `var(--kd-mark-${chain % 8})`;

function makeShares({ truth }) {
  const bars = make("ul", { class: "kd-bars" });
  const element = make("div", {}, make("p", { class: "kd-title" }, "Share of each chain; the line across is the truth’s"), bars);
  const show = ({ shares }) => bars.replaceChildren(...makeBars(shares, truth.shares));
  const say = ({ effective, shares }) => `Its texts are spread over ${number(effective, 1)} of ${shares.length} chains, effectively.`;
  return { element, show, say };
}

function makeBars(shares, truth) {
  const longest = 1.05 * Math.max(...shares, ...truth);
  const at = (tag, share) => {
    const element = make(tag);
    element.style.setProperty("--share", share / longest);
    return element;
  };
  return shares.map((share, chain) => {
    const own = at("i", share);
    own.style.setProperty("--ground", chainGround(chain));
    return make("li", {},
      make("span", { class: "kd-number" }, make("span", { class: "kd-spoken" }, "chain "), `${chain + 1}`),
      make("span", { class: "kd-bar", "aria-hidden": "true" }, own, at("b", truth[chain])),
      make("span", { class: "kd-share" }, percent(share), make("span", { class: "kd-spoken" }, `, truth ${percent(truth[chain])}`)));
  });
}

// Strips in the proportion of the shares, chain by chain; the number of chains that are left, effectively, beside them.
function makeMosaic({ truth }) {
  const [big, of, heading] = [make("b", {}), make("span", {}), make("span", {})];
  const mosaic = make("div", { class: "kd-mosaic", role: "img" });
  const element = make("div", { class: "kd-wide" },
    make("p", { class: "kd-effective" }, big, of),
    make("p", { class: "kd-title" }, heading, "; a strip takes the colour of the chain that most likely made the text, and letters where the record holds it"),
    mosaic);
  const show = ({ strips, texts, effective }, whose) => {
    const all = strips.flatMap((n, chain) => Array.from({ length: n }, (_, i) => [chain, texts[chain][i] ?? ""]));
    while (mosaic.children.length < all.length) mosaic.append(make("span"));
    all.forEach(([chain, text], i) => {
      mosaic.children[i].textContent = text;
      mosaic.children[i].style.setProperty("--ground", chainGround(chain));
    });
    big.textContent = number(effective, 1);
    of.textContent = ` effective languages of ${strips.length}; the truth has ${number(truth.effective, 1)}`;
    heading.textContent = whose;
    mosaic.setAttribute("aria-label", `Strips of each chain: ${strips.join(", ")}`);
  };
  return { element, show };
}
