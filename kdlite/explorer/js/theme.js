// Light or dark, as the page is: the book's theme, JupyterLab, VS Code and Colab each say it in their own way.

const COLOURS = ["truth", "teacher", "student", "direct", "student-text", "direct-text", "ink", "muted", "line", "ground"];

function pageIsDark() {
  const { theme } = document.documentElement.dataset; // the book
  if (theme) return theme === "dark";
  const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
  if (jpThemeLight) return jpThemeLight === "false";
  if (vscodeThemeKind) return !vscodeThemeKind.includes("light");
  const colab = document.documentElement.getAttribute("theme");
  if (colab) return colab === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

const pageTheme = () => (pageIsDark() ? "dark" : "light");

// The colours of explorer.css for the page's theme, for drawing on a canvas.
function readColours(root) {
  const theme = pageTheme();
  if (root.dataset.theme !== theme) root.dataset.theme = theme;
  const style = getComputedStyle(root);
  const inScript = (name) => name.replace("-text", "Text");
  const colours = COLOURS.map((name) => [inScript(name), style.getPropertyValue(`--kd-${name}`).trim()]);
  return { theme, ...Object.fromEntries(colours) };
}
