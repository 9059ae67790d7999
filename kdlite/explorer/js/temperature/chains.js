// The share of each chain among a model's texts, as bars with the truth's share across them.

const chainGround = (chain) => `var(--kd-mark-${chain % 8})`;

function makeShares({ truth }) {
  const bars = make("ul", { class: "kd-bars" });
  const element = make("div", {}, make("p", { class: "kd-title" }, "Share of each chain; the line across is the truth’s"), bars);
  const show = ({ shares }) => bars.replaceChildren(...makeBars(shares, truth.shares));
  const say = ({ shares }) => {
    const first = shares.indexOf(Math.max(...shares));
    return `Chain ${first + 1} has the largest share of its texts, ${percent(shares[first])} (truth: ${percent(truth.shares[first])}).`;
  };
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
