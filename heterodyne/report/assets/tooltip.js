// What charts have in common: the box under the pointer, axes, and lines drawn across.

const MOST_TOOLTIP_ROWS = 12;

// The box: a title, and rows of { colour, name, value }. Long lists are cut.
function tooltipBox(title, rows) {
  const shown = rows.slice(0, MOST_TOOLTIP_ROWS).map(({ colour, name, value }) => {
    const mark = element("i", colour ? { style: `background:${colour}` } : { class: "none" });
    return element("tr", null, element("td", null, mark, name), element("td", { class: "value" }, value ?? ""));
  });
  const box = element("div", { class: "tip" }, element("b", null, title), element("table", null, ...shown));
  if (rows.length > shown.length) box.append(element("small", null, `and ${rows.length - shown.length} more`));
  return box;
}

function tooltip(trigger, formatter) {
  const { surface, axis, ink } = theme();
  return {
    trigger,
    formatter,
    confine: true,
    transitionDuration: 0,
    backgroundColor: surface,
    borderColor: axis,
    padding: [8, 10],
    textStyle: { color: ink, fontFamily: FONT, fontSize: FONT_SIZE },
    axisPointer: { type: "line", animation: false, lineStyle: { color: axis, type: "solid" } },
  };
}

// An axis of numbers. Its name stands above the axis (vertical) or below its middle (horizontal).
function numberAxis(name, settings) {
  const { muted, grid, axis } = theme();
  return {
    type: "value",
    name,
    nameTextStyle: { color: muted, fontFamily: FONT, fontSize: FONT_SIZE },
    axisLine: { show: false, lineStyle: { color: axis } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: grid } },
    axisLabel: { color: muted, fontFamily: FONT, fontSize: FONT_SIZE, formatter: axisNumber, hideOverlap: true },
    ...settings,
  };
}

// With as many ticks as have room in `width` pixels.
function horizontalNumberAxis(name, width, settings) {
  const splitNumber = Math.min(Math.max(Math.round(width / 130), 2), 8);
  return numberAxis(name, { nameLocation: "middle", nameGap: 26, splitNumber, ...settings });
}

// An axis of names, cut to `width` pixels.
function nameAxis(names, width, settings) {
  const { ink, axis } = theme();
  return {
    type: "category",
    data: names,
    triggerEvent: true,
    axisLine: { lineStyle: { color: axis } },
    axisTick: { show: false },
    splitLine: { show: false },
    ...settings,
    axisLabel: {
      color: ink,
      fontFamily: FONT,
      fontSize: FONT_SIZE,
      formatter: (name) => shortened(name, width),
      ...settings?.axisLabel,
    },
  };
}

function baseOption(grid, settings) {
  return { animation: false, grid: { outerBoundsMode: "none", ...grid }, ...settings };
}

// Dashed lines across the chart at `levels`, with their text at the end.
function levelSeries(levels, isHorizontal) {
  const { ink, surface } = theme();
  const text = (level) => ({
    text: level.text ?? "",
    fill: ink,
    stroke: surface,
    lineWidth: 3,
    font: `${FONT_SIZE}px ${FONT}`,
  });
  const renderItem = (params, api) => {
    const level = levels[params.dataIndex];
    const { x, y, width, height } = params.coordSys;
    const [left, top] = api.coord([api.value(0), api.value(1)]);
    const shape = isHorizontal
      ? { x1: left, x2: left, y1: y, y2: y + height }
      : { x1: x, x2: x + width, y1: top, y2: top };
    const isLeftHalf = left < x + width / 2;
    const place = isHorizontal
      ? { x: left, y: y - 4, align: isLeftHalf ? "left" : "right", verticalAlign: "bottom" }
      : { x: x + width, y: top - 3, align: "right", verticalAlign: "bottom" };
    return {
      type: "group",
      children: [
        { type: "line", shape, style: { stroke: ink, lineWidth: 1, lineDash: [5, 4], opacity: 0.75 } },
        { type: "text", style: { ...text(level), ...place } },
      ],
    };
  };
  const point = (level) => (isHorizontal ? [level.y, 0] : [undefined, level.y]);
  return { type: "custom", silent: true, z: 5, renderItem, data: levels.map(point), tooltip: { show: false } };
}
