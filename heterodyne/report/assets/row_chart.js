// Charts with a row for each name: "spans" from one step to another, "ranges" with a value in or out of a band.

const ROW_HEIGHT = 30;

function rowOption(chart, names, left, settings) {
  return baseOption(
    { left: left + 14, right: 24, top: 8, bottom: 42 },
    {
      yAxis: nameAxis(names, left, { inverse: true, axisLabel: { interval: 0 }, axisLine: { show: false } }),
      ...settings,
    },
  );
}

function spanSeries(chart, styleOf) {
  const renderItem = (params, api) => {
    const span = chart.spans[params.dataIndex];
    const [x, y] = api.coord([api.value(0), api.value(2)]);
    const [end] = api.coord([api.value(1), api.value(2)]);
    const shape = { x, y: y - 10, width: Math.max(end - x, 2), height: 20, r: 3 };
    const { color } = styleOf(span.group);
    const children = [{ type: "rect", shape, style: { fill: color } }];
    const text = shortened(span.text ?? "", shape.width - 14, 11);
    if (text.length > 3) {
      const style = { text, x: x + 7, y, fill: inkOn(color), font: `11px ${FONT}`, verticalAlign: "middle" };
      children.push({ type: "text", silent: true, style });
    }
    return { type: "group", children };
  };
  const data = chart.spans.map((span) => [span.from, span.to, span.row]);
  return { type: "custom", renderItem, data, encode: { x: [0, 1], y: 2 } };
}

// Arrows between rows, from parents to children.
function linkSeries(links) {
  const { ink, surface } = theme();
  const renderItem = (params, api) => {
    const [x, from] = api.coord([api.value(0), api.value(1)]);
    const [, to] = api.coord([api.value(0), api.value(2)]);
    const way = Math.sign(to - from);
    const tip = to - way * 3;
    const points = [
      [x, tip],
      [x - 4, tip - way * 7],
      [x + 4, tip - way * 7],
    ];
    const line = { x1: x, x2: x, y1: from, y2: tip - way * 6 };
    return {
      type: "group",
      children: [
        { type: "line", shape: line, style: { stroke: surface, lineWidth: 4 } },
        { type: "circle", shape: { cx: x, cy: from, r: 3 }, style: { fill: ink, stroke: surface } },
        { type: "line", shape: line, style: { stroke: ink, lineWidth: 1.5 } },
        { type: "polygon", shape: { points }, style: { fill: ink, stroke: surface, lineWidth: 0.5 } },
      ],
    };
  };
  const data = links.map((link) => [link.x, link.from, link.to]);
  return {
    type: "custom",
    silent: true,
    z: 4,
    renderItem,
    data,
    encode: { x: 0, y: [1, 2] },
    tooltip: { show: false },
  };
}

function spanChart(chart, { width }) {
  const rows = chart.rows.map(String);
  const groups = [...new Set(chart.spans.map((span) => span.group ?? ""))];
  const styleOf = (group) => lineStyle(groups.indexOf(group ?? ""));
  const left = namesWidth(rows, width);
  const [first, last] = extentOf(chart.spans.flatMap((span) => [span.from, span.to]));
  const tip = ({ dataIndex }) => {
    const span = chart.spans[dataIndex];
    const steps = `${numberText(span.from)} – ${numberText(span.to)}`;
    const notes = span.text ? [{ name: span.text }] : [];
    return tooltipBox(rows[span.row], [
      { colour: styleOf(span.group).color, name: span.group ?? "", value: steps },
      ...notes,
    ]);
  };
  const series = [spanSeries(chart, styleOf)];
  if (chart.links?.length > 0) series.push(linkSeries(chart.links));
  return {
    height: rows.length * ROW_HEIGHT + 50,
    legend: groups
      .filter((group) => group !== "")
      .map((group) => ({ name: group, color: styleOf(group).color, isFixed: true })),
    option: rowOption(chart, rows, left, {
      tooltip: tooltip("item", tip),
      xAxis: horizontalNumberAxis(chart.x, width - left, { min: first, max: last }),
      series,
    }),
  };
}

const isOutside = (row) => row.value < row.low || row.value > row.high;

function rangeSeries(chart) {
  const { few, axis, series, surface, ink } = theme();
  const renderItem = (params, api) => {
    const row = chart.rows[params.dataIndex];
    const [low, y] = api.coord([api.value(1), params.dataIndex]);
    const [high] = api.coord([api.value(2), params.dataIndex]);
    const [value] = api.coord([api.value(0), params.dataIndex]);
    const colour = isOutside(row) ? series[0] : surface;
    return {
      type: "group",
      children: [
        {
          type: "rect",
          shape: { x: low, y: y - 8, width: Math.max(high - low, 2), height: 16, r: 2 },
          style: { fill: few, stroke: axis },
        },
        {
          type: "circle",
          shape: { cx: value, cy: y, r: 5.5 },
          style: { fill: colour, stroke: isOutside(row) ? surface : ink, lineWidth: 1.5 },
        },
        {
          type: "text",
          silent: true,
          style: {
            text: numberText(row.value, 3),
            x: Math.max(value, high) + 11,
            y,
            fill: ink,
            font: `11px ${FONT}`,
            verticalAlign: "middle",
          },
        },
      ],
    };
  };
  const data = chart.rows.map((row, i) => [row.value, row.low, row.high, i]);
  return { type: "custom", renderItem, data, encode: { x: [0, 1, 2], y: 3 } };
}

function rangeChart(chart, { width }) {
  const { series, surface, ink, few } = theme();
  const isNumber = (value) => value !== null && value !== undefined;
  chart = { ...chart, rows: chart.rows.filter(({ value, low, high }) => [value, low, high].every(isNumber)) };
  const names = chart.rows.map((row) => row.name);
  const left = namesWidth(names, width);
  const tip = ({ dataIndex }) => {
    const row = chart.rows[dataIndex];
    const band = `${numberText(row.low)} – ${numberText(row.high)}`;
    return tooltipBox(row.name, [
      { name: "measured", value: numberText(row.value) },
      { name: "chance", value: band },
    ]);
  };
  const option = rowOption(chart, names, left, {
    tooltip: tooltip("item", tip),
    xAxis: horizontalNumberAxis(chart.x, width - left, {}),
    series: [rangeSeries(chart)],
  });
  option.grid.right = 64;
  return {
    height: names.length * ROW_HEIGHT + 50,
    legend: [
      { name: "what chance gives", color: few, mark: "band" },
      { name: "measured, beyond chance", color: series[0], mark: "dot" },
      { name: "measured, within chance", color: surface, border: ink, mark: "dot" },
    ],
    option,
  };
}
