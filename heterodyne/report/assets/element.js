// Building blocks: elements of the document, widths of text, packed lists of numbers.

// element("a", { href: "#x", class: "y" }, "text", other): text stays text, whatever it holds.
function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text, size = FONT_SIZE) {
  ruler.font = `${size}px ${FONT}`;
  return ruler.measureText(text).width;
}

// The least and the greatest of the numbers; 0 and 1 when there are none.
function extentOf(numbers) {
  if (numbers.length === 0) return [0, 1];
  return numbers.reduce(
    ([least, most], number) => [Math.min(least, number), Math.max(most, number)],
    [Infinity, -Infinity],
  );
}

// The text in one line, cut so that it takes at most `width` pixels.
function shortened(text, width, size = FONT_SIZE) {
  const line = text.replace(/\s+/g, " ");
  if (textWidth(line, size) <= width) return line;
  const characters = Array.from(line);
  let [kept, tooMany] = [0, characters.length];
  while (tooMany - kept > 1) {
    const middle = Math.floor((kept + tooMany) / 2);
    const fits = textWidth(characters.slice(0, middle).join("") + "…", size) <= width;
    if (fits) kept = middle;
    else tooMany = middle;
  }
  return characters.slice(0, kept).join("").trimEnd() + "…";
}

function widestOf(names) {
  return names.reduce((most, name) => Math.max(most, textWidth(name)), 0);
}

// What names of rows take beside a chart that is `width` wide.
function namesWidth(names, width) {
  return Math.ceil(Math.min(widestOf(names), Math.max(72, Math.min(240, width * 0.28))));
}

const CODES = new Map();
for (let code = 0x21; code <= 0x7e; code++) {
  const character = String.fromCharCode(code);
  if (!"\"&'<>\\".includes(character)) CODES.set(character, CODES.size);
}

// A packed list of page_data.h.
function unpacked({ low, step, digits, text }) {
  const none = CODES.size ** digits - 1;
  const numbers = [];
  for (let at = 0; at < text.length; at += digits) {
    let code = 0;
    for (let i = 0; i < digits; i++) code = code * CODES.size + CODES.get(text[at + i]);
    numbers.push(code === none ? null : low + code * step);
  }
  return numbers;
}

// The points of a line, packed or not.
function pointsOf(chart, series) {
  if (series.points) return series.points;
  const x = unpacked(series.packed_x ?? chart.packed_x);
  return unpacked(series.packed_y).map((y, i) => [x[i], y]);
}
