// A figure: the views that stand in the document, one shown at a time, with switches, one chart, table and CSV.

const CHARTS = { lines: lineChart, bars: barChart, heatmap: heatmapChart, spans: spanChart, ranges: rangeChart };
const PRINT_WIDTH = 680; // pixels: what A4 and Letter hold between their margins
const MOST_SEGMENTS = 5; // options of a switch that are shown as buttons; more become a list

// Names may have been written as numbers.
function withTextNames(chart) {
  const named = { ...chart };
  for (const key of ["rows", "columns", "names"]) {
    if (chart[key]?.every((name) => typeof name !== "object")) named[key] = chart[key].map(String);
  }
  return named;
}

function csvCell(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// A table of the document as CSV (RFC 4180), its numbers without commas.
function csvOf(table) {
  const cell = (node) =>
    csvCell(
      node.classList.contains("t") || node.scope === "col"
        ? node.textContent.trimEnd()
        : node.textContent.trim().replaceAll(",", ""),
    );
  return Array.from(table.rows, (row) => Array.from(row.cells, cell).join(",")).join("\r\n") + "\r\n";
}

// Radio buttons that look like one bar of buttons, with the arrow keys of the browser.
function segments(name, label, options, chosen, choose) {
  const buttons = options.map((option, index) => {
    const input = element("input", {
      type: "radio",
      name,
      value: index,
      checked: index === chosen,
      change: () => choose(index),
    });
    return element("label", null, input, element("span", null, option));
  });
  return element("fieldset", { class: "segments" }, element("legend", null, label), ...buttons);
}

function list(label, options, chosen, choose) {
  const items = options.map((option, index) => element("option", { value: index, selected: index === chosen }, option));
  const select = element("select", { change: (event) => choose(Number(event.target.value)) }, ...items);
  return element("label", { class: "list" }, element("span", null, label), select);
}

class Figure {
  constructor(root, { id, choices, views }) {
    Object.assign(this, { root, id, choices, views });
    this.blocks = Array.from(root.querySelectorAll(".view"));
    this.chosen = choices.map((choice) => choice.chosen);
    this.hidden = new Set();
    this.isNear = false;
    this.legend = element("div", { class: "legend" });
    this.host = element("div", { class: "chart", role: "img" });
    this.box = element("div", { class: "chart-box" }, this.legend, element("div", { class: "scroll" }, this.host));
    this.addControls();
    this.show();
  }

  // The view for the chosen options, or the nearest to it: that with the last changed option.
  view(changed) {
    const matches = (view) => this.chosen.filter((option, i) => view.options[i] === option).length;
    const candidates = this.views.map((view, index) => ({ view, index }));
    const allowed = candidates.filter(
      ({ view }) => changed === undefined || view.options[changed] === this.chosen[changed],
    );
    const ranked = (allowed.length > 0 ? allowed : candidates).sort((a, b) => matches(b.view) - matches(a.view));
    return ranked[0].index;
  }

  get hasChart() {
    return CHARTS[this.views[this.index].chart.kind] !== undefined;
  }

  addControls() {
    const controls = element("div", { class: "controls" });
    this.choices.forEach((choice, i) => {
      if (choice.options.length < 2) return;
      const choose = (option) => {
        this.chosen[i] = option;
        this.show(i);
      };
      const fits = choice.options.length <= MOST_SEGMENTS && choice.options.join("").length <= 60;
      controls.append(
        (fits ? (...rest) => segments(`${this.id}-${i}`, ...rest) : list)(
          choice.name,
          choice.options,
          choice.chosen,
          choose,
        ),
      );
    });
    if (this.views.some((view) => CHARTS[view.chart.kind])) {
      const choose = (option) => {
        this.root.classList.toggle("as-table", option === 1);
        this.draw();
      };
      this.form = segments(`${this.id}-form`, "show as", ["Chart", "Table"], 0, choose);
      this.form.classList.add("form");
      controls.append(this.form);
    }
    if (this.blocks.some((block) => block.querySelector("table"))) {
      this.csv = element(
        "a",
        { class: "button csv", href: "data:text/csv,", download: "", click: () => this.fillCsv() },
        "CSV",
      );
      this.csv.setAttribute("aria-label", "Download this table as CSV");
      controls.append(this.csv);
    }
    this.root.querySelector("figcaption").append(controls);
  }

  fillCsv() {
    const table = this.blocks[this.index].querySelector("table");
    const settings = this.choices.map((choice, i) => `-${choice.name}-${choice.options[this.chosen[i]]}`).join("");
    this.csv.download = `${this.id}${settings}`.replace(/[^\w.-]+/g, "_").slice(0, 100) + ".csv";
    this.csv.href = "data:text/csv;charset=utf-8," + encodeURIComponent(table ? csvOf(table) : "");
  }

  show(changed) {
    this.index = this.view(changed);
    this.chosen = this.views[this.index].options.slice();
    this.blocks.forEach((block, i) => block.classList.toggle("chosen", i === this.index));
    const block = this.blocks[this.index];
    this.root.classList.toggle("only-table", !this.hasChart);
    if (this.form) this.form.hidden = !this.hasChart;
    block.querySelector(".measure").before(this.box);
    const reading = block.querySelector(".reading")?.textContent ?? "";
    this.host.setAttribute("aria-label", `${this.root.querySelector("h3").textContent}. ${reading}`);
    this.draw();
  }

  // Draws when near the window, unless the table is shown in its place.
  draw() {
    if (!this.isNear || !this.hasChart || this.root.classList.contains("as-table")) return;
    const chart = withTextNames(this.views[this.index].chart);
    const room = isPrinting ? PRINT_WIDTH : this.box.clientWidth;
    if (room <= 0) return;
    const spec = CHARTS[chart.kind](chart, { width: room, hidden: this.hidden, isNarrowable: isPrinting });
    const size = { width: isPrinting ? room : Math.max(room, spec.minWidth ?? 0), height: Math.round(spec.height) };
    this.host.style.width = `${size.width}px`;
    this.host.style.height = `${size.height}px`;
    this.drawLegend(spec);
    if (this.instance) {
      this.instance.resize(size);
    } else {
      this.instance = echarts.init(this.host, null, { renderer: "svg", ...size });
      this.showFullNames();
    }
    this.instance.setOption(spec.option, { notMerge: true });
    this.drawnWidth = room;
  }

  // The whole name of a cut label, on hover.
  showFullNames() {
    this.instance.on("mouseover", ({ targetType, value }) => {
      if (targetType === "axisLabel") this.host.title = value;
    });
    this.instance.on("mouseout", () => this.host.removeAttribute("title"));
  }

  drawLegend({ legend, scale }) {
    const parts = (legend ?? []).map((entry) => this.legendEntry(entry, legend.length > 1));
    if (scale) {
      const bar = element("i", {
        class: "ramp",
        style: `background:linear-gradient(to right, ${scale.colours.join(", ")})`,
      });
      const labels = element("span", { class: "labels" }, ...scale.labels.map((label) => element("span", null, label)));
      parts.unshift(element("span", { class: "scale" }, bar, labels));
    }
    this.legend.replaceChildren(...parts);
    this.legend.hidden = parts.length === 0;
  }

  legendEntry(entry, isMany) {
    const mark = element("i", { class: entry.mark ?? (entry.isLine ? "line" : "block") });
    if (entry.color) mark.style.setProperty("--colour", entry.color);
    if (entry.border) mark.style.setProperty("--border", entry.border);
    if (entry.isLine && entry.dash !== "solid") mark.classList.add("dashed");
    const isKey = entry.mark || entry.isFixed || !isMany;
    const name = element("span", { class: "name", title: entry.name }, entry.name);
    if (isKey) return element("span", { class: "entry" }, mark, name);
    const toggle = () => {
      if (!this.hidden.delete(entry.name)) this.hidden.add(entry.name);
      this.draw();
      this.legend.querySelectorAll("button").forEach((button) => button.dataset.name === entry.name && button.focus());
    };
    const light = (type) => () => this.instance.dispatchAction({ type, seriesName: entry.name });
    const settings = {
      type: "button",
      class: "entry",
      click: toggle,
      mouseenter: light("highlight"),
      mouseleave: light("downplay"),
    };
    return element(
      "button",
      { ...settings, "data-name": entry.name, "aria-pressed": String(!this.hidden.has(entry.name)) },
      mark,
      name,
    );
  }

  resized() {
    if (!isPrinting && this.box.clientWidth !== this.drawnWidth) this.draw();
  }
}
