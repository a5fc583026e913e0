// "heatmap": a coloured cell for each row and column. A cross says "dead", grey "too few to say".

// Where a value lies on the scale, 0 .. 1; with a middle, that is at a half.
function placeOn(chart) {
  const values = chart.values.flat().filter((value) => value !== null);
  const isLog = chart.scale === "log";
  const measure = isLog ? (value) => Math.log(Math.max(value, 1e-12)) : (value) => value;
  const positive = isLog ? values.filter((value) => value > 0) : values;
  const [least, most] = extentOf(positive);
  const [low, high] = [chart.low ?? least, chart.high ?? most];
  const [from, to] = [measure(low), measure(high)];
  const share = (value, begin, end) => (end > begin ? Math.min(Math.max((value - begin) / (end - begin), 0), 1) : 0.5);
  const middle = chart.middle ?? (chart.scale === "diverging" ? (low + high) / 2 : undefined);
  if (middle === undefined) return { low, high, place: (value) => share(measure(value), from, to) };
  const centre = measure(middle);
  const place = (value) =>
    measure(value) < centre ? 0.5 * share(measure(value), from, centre) : 0.5 + 0.5 * share(measure(value), centre, to);
  return { low, middle, high, place };
}

// Slanted lines and a cross over a rectangle, as the data of a path.
function hatching({ x, y, width, height }) {
  let path = "";
  for (let at = 6; at < width + height; at += 6) {
    const [left, bottom] = [Math.max(0, at - height), Math.min(at, height)];
    const [right, top] = [Math.min(at, width), Math.max(0, at - width)];
    path += `M${x + left},${y + bottom}L${x + right},${y + top}`;
  }
  return path;
}

function cross({ x, y, width, height }) {
  const size = Math.min(width, height) * 0.28;
  const [cx, cy] = [x + width / 2, y + height / 2];
  return `M${cx - size},${cy - size}L${cx + size},${cy + size}M${cx - size},${cy + size}L${cx + size},${cy - size}`;
}

function crossedCell(shape) {
  const { ink, muted, surface } = theme();
  const line = (pathData, stroke, lineWidth, opacity) => ({
    type: "path",
    silent: true,
    shape: { pathData },
    style: { fill: "none", stroke, lineWidth, opacity },
  });
  return [
    { type: "rect", shape, style: { fill: surface, stroke: muted, lineWidth: 1 } },
    line(hatching(shape), muted, 1, 0.5),
    line(cross(shape), ink, 2, 1),
  ];
}

// Two digits, so that neighbours can be compared: "0.60", "1.0", "12".
function cellText(value) {
  const size = Math.abs(value);
  return size > 0 && (size < 0.001 || size >= 100)
    ? axisNumber(value)
    : value.toFixed(size >= 10 ? 0 : size >= 1 ? 1 : 2);
}

function plainCell(shape, value, fill, isFew) {
  const children = [{ type: "rect", shape, style: { fill } }];
  const text = cellText(value);
  const size = 11;
  if (shape.height >= 15 && textWidth(text, size) <= shape.width - 4) {
    const ink = isFew ? theme().muted : inkOn(fill);
    const [x, y] = [shape.x + shape.width / 2, shape.y + shape.height / 2];
    const style = { text, x, y, fill: ink, font: `${size}px ${FONT}`, align: "center", verticalAlign: "middle" };
    children.push({ type: "text", silent: true, style });
  }
  return children;
}

function heatmapCells(chart, colours, place) {
  const key = (row, column) => row * chart.columns.length + column;
  const crossed = new Set((chart.crossed ?? []).map(([row, column]) => key(row, column)));
  const few = new Set((chart.grey ?? []).map(([row, column]) => key(row, column)));
  const cells = [];
  chart.values.forEach((line, row) =>
    line.forEach((value, column) => {
      if (value !== null || crossed.has(key(row, column))) cells.push([column, row, value]);
    }),
  );
  const renderItem = (params, api) => {
    const [column, row, value] = cells[params.dataIndex];
    const [x, y] = api.coord([column, row]);
    const [width, height] = api.size([1, 1]);
    const gap = Math.min(width, height) > 8 ? 1 : 0.25;
    const shape = { x: x - width / 2 + gap, y: y - height / 2 + gap, width: width - 2 * gap, height: height - 2 * gap };
    const isFew = few.has(key(row, column));
    const fill = isFew ? theme().few : colourAt(colours, place(value));
    const children = crossed.has(key(row, column)) ? crossedCell(shape) : plainCell(shape, value, fill, isFew);
    return { type: "group", children };
  };
  const tip = ({ dataIndex }) => {
    const [column, row, value] = cells[dataIndex];
    const notes = [];
    if (crossed.has(key(row, column))) notes.push({ name: "dead: no assignments" });
    if (few.has(key(row, column))) notes.push({ name: "too few to say" });
    const rows = [{ name: `${chart.x ?? ""} ${chart.columns[column]}`, value: numberText(value) }, ...notes];
    return tooltipBox(`${chart.y ?? ""} ${chart.rows[row]}`, rows);
  };
  return { series: { type: "custom", renderItem, data: cells, encode: { x: 0, y: 1 } }, tip };
}

function heatmapChart(chart, { width, isNarrowable }) {
  const { sequential, diverging, muted } = theme();
  const { low, middle, high, place } = placeOn(chart);
  const colours = middle === undefined ? sequential : diverging;
  const { series, tip } = heatmapCells(chart, colours, place);
  const left = namesWidth(chart.rows, width) + 14;
  const minWidth = isNarrowable ? 0 : left + 12 + chart.columns.length * 14;
  const columnWidth = (Math.max(width, minWidth) - left - 12) / Math.max(chart.columns.length, 1);
  const rowHeight = chart.rows.length > 24 ? 16 : chart.rows.length > 12 || isPrinting ? 22 : 30;
  const widest = widestOf(chart.columns);
  const isTight = widest > columnWidth - 4 && widest > 28 && columnWidth < 88;
  const nameWidth = isTight ? 110 : Math.max(columnWidth - 8, 24);
  const namesHeight = isTight ? 0.72 * Math.min(widest, nameWidth) + 14 : 22;
  const keys = [
    ...(chart.crossed?.length > 0 ? [{ name: "dead: no assignments", mark: "crossed" }] : []),
    ...(chart.grey?.length > 0 ? [{ name: "too few to say", mark: "few" }] : []),
  ];
  return {
    height: chart.rows.length * rowHeight + namesHeight + 26,
    minWidth,
    legend: keys,
    scale: {
      colours,
      labels: [low, middle, high].filter((value) => value !== undefined).map((value) => numberText(value, 3)),
    },
    option: baseOption(
      { left, right: 12, top: 4, bottom: namesHeight + 22 },
      {
        tooltip: tooltip("item", tip),
        xAxis: nameAxis(chart.columns, nameWidth, {
          name: chart.x,
          nameLocation: "middle",
          nameGap: namesHeight + 4,
          nameTextStyle: { color: muted, fontFamily: FONT, fontSize: FONT_SIZE },
          axisLine: { show: false },
          axisLabel: {
            interval: isTight || nameWidth > 40 || widest + 6 <= columnWidth ? 0 : "auto",
            rotate: isTight ? 45 : 0,
          },
        }),
        yAxis: nameAxis(chart.rows, left - 14, {
          inverse: true,
          axisLine: { show: false },
          axisLabel: { interval: 0 },
        }),
        series: [series],
      },
    ),
  };
}
