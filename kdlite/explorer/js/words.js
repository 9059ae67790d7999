// What the picture shows now, in words. Knows nothing of drawing.

// A beta with as many digits as matter beside a slider.
const betaText = (beta) => `${Number(beta < 10 ? beta.toFixed(2) : beta.toFixed(0))}`;

const modesText = ({ covered, modes }) => `${covered} of ${modes} modes`;

function landedText({ landed }) {
  const tenths = Math.round(10 * landed);
  if (landed > 0.93) return "its samples land on the truth";
  if (tenths === 0) return "hardly a sample of it lands on the truth";
  return `${tenths} in 10 of its samples land on the truth`;
}

// One sentence for what the points say.
const inShort = (samples) => `The student covers ${modesText(samples)}; ${landedText(samples)}.`;

// One that compares.
function compared({ now }) {
  const beside = (i) => {
    const text = number(now.distilled[i] - now.direct[i]);
    return Number(text.replace("−", "-")) > 0 ? `+${text}` : text.replace("−0.00", "0.00");
  };
  return `Against the direct student, fitted to the truth itself: precision ${beside(0)}, recall ${beside(1)}.`;
}

// And one for those who listen.
function inNumbers({ setting, now, entropy, original }) {
  return `At β = ${betaText(setting.beta)} the teacher speaks with ${number(Math.exp(entropy), 1)} of ${original.length} components; ` +
    `the student’s precision is ${number(now.distilled[0])}, its recall ${number(now.distilled[1])}.`;
}
