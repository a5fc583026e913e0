// Colours and numbers of the charts. All scales can be told apart with any kind of colour vision.

// Okabe and Ito (2008); its yellow only on dark ground, its black as grey.
const SERIES_LIGHT = ["#0072b2", "#e08a00", "#009e73", "#cc5200", "#b8629a", "#3d9fd6", "#6b7280"];
const SERIES_DARK = ["#4da3e0", "#e69f00", "#1fbf92", "#f07b3f", "#d98fbb", "#8ed0f5", "#f0e442"];
const DASHES = ["solid", [7, 3], [2, 2]];

// From little to much: ColorBrewer's YlGnBu on light ground, viridis on dark; both change lightness evenly.
const SEQUENTIAL_LIGHT = ["#ffffe0", "#d3eeb3", "#97d6b9", "#4fb9c3", "#2296c1", "#1f6eb0", "#243f8f", "#0b1f5c"];
const SEQUENTIAL_DARK = ["#2b1745", "#443983", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725"];
// Below, at and above the middle: blue, neutral, orange.
const DIVERGING_LIGHT = ["#08488e", "#3d86c0", "#9cc7e2", "#f4f4f2", "#f9c58d", "#e5802c", "#9c4003"];
const DIVERGING_DARK = ["#7cc0ff", "#3d86c0", "#234f78", "#2a2d33", "#7a4515", "#d07624", "#ffc07a"];

let isPrinting = false;

function isDark() {
  if (isPrinting) return false;
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function theme() {
  const dark = isDark();
  return {
    ink: dark ? "#e5e9ef" : "#1a2028",
    muted: dark ? "#a0a9b5" : "#59636f",
    grid: dark ? "#31373f" : "#e4e8ed",
    axis: dark ? "#59626e" : "#aab3bd",
    surface: dark ? "#1b1f25" : "#ffffff",
    few: dark ? "#3a4048" : "#e3e6ea",
    series: dark ? SERIES_DARK : SERIES_LIGHT,
    sequential: dark ? SEQUENTIAL_DARK : SEQUENTIAL_LIGHT,
    diverging: dark ? DIVERGING_DARK : DIVERGING_LIGHT,
  };
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif";
const FONT_SIZE = 12;

// How the line number `index` is drawn: colours first, then dashes.
function lineStyle(index) {
  const { series } = theme();
  return { color: series[index % series.length], dash: DASHES[Math.floor(index / series.length) % DASHES.length] };
}

function channels(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

// The colour at `share`, 0 .. 1, of the way through a list of colours.
function colourAt(colours, share) {
  const place = Math.min(Math.max(share, 0), 1) * (colours.length - 1);
  const index = Math.min(Math.floor(place), colours.length - 2);
  const [from, to] = [channels(colours[index]), channels(colours[index + 1])];
  const mixed = from.map((channel, i) => Math.round(channel + (to[i] - channel) * (place - index)));
  return "#" + mixed.map((channel) => channel.toString(16).padStart(2, "0")).join("");
}

// Black or white, whichever reads better on the colour (relative luminance of WCAG 2).
function inkOn(colour) {
  const [red, green, blue] = channels(colour).map((channel) => {
    const value = channel / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.25 ? "#11151a" : "#ffffff";
}

// "1,024", "0.0156", "3.0e-5"; "none" for what is no number.
function numberText(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e15)) return value.toExponential(Math.max(digits - 3, 0));
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  const options = { maximumSignificantDigits: digits };
  return value.toLocaleString("en-US", size >= 10 ** digits ? { maximumFractionDigits: 0 } : options);
}

// For axes, where there is little room: "20k", "1.5M", "2.5e-4".
function axisNumber(value) {
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-3)) return Number(value.toPrecision(3)).toExponential();
  for (const [unit, name] of [
    [1e12, "T"],
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ]) {
    if (size >= unit && size >= 1e4) return numberText(value / unit, 3) + name;
  }
  return numberText(value, 3);
}
