// "lines": series of points over a shared axis, with an optional second axis, levels across and marks upright.

const LINE_HEIGHT = 310;
const AXIS_WIDTH = 54;

// Where a vertical axis begins: at zero, unless the lines keep far from it.
function isFarFromZero(lines) {
  const heights = lines.flat().flatMap(([, y]) => (y === null ? [] : [y]));
  const [low, high] = extentOf(heights);
  return low > 0.6 * high;
}

// Upright lines at `marks`; their texts stand above the chart as far as they do not meet.
function markSeries(marks) {
  const { muted } = theme();
  let textEnd = -Infinity;
  const renderItem = (params, api) => {
    const mark = marks[params.dataIndex];
    const { x, y, width, height } = params.coordSys;
    const [left] = api.coord([api.value(0), 0]);
    if (params.dataIndex === 0) textEnd = -Infinity;
    const children = [
      {
        type: "line",
        shape: { x1: left, x2: left, y1: y - 2, y2: y + height },
        style: { stroke: muted, lineWidth: 1, lineDash: [2, 3] },
      },
    ];
    const text = mark.text ?? "";
    const textBegin = Math.min(left - 2, x + width - textWidth(text, 11));
    if (textBegin > textEnd + 10) {
      const style = { text, x: textBegin, y: y - 4, fill: muted, font: `11px ${FONT}`, verticalAlign: "bottom" };
      children.push({ type: "text", style });
      textEnd = textBegin + textWidth(text, 11);
    }
    return { type: "group", children };
  };
  return {
    type: "custom",
    silent: true,
    z: 1,
    renderItem,
    data: marks.map((mark) => [mark.x, undefined]),
    tooltip: { show: false },
  };
}

// All lines at the step under the pointer, the highest first, and the marks close to it.
function lineTooltip(chart, marks, range) {
  return (items) => {
    const points = items.filter((item) => item.seriesType === "line");
    if (points.length === 0) return "";
    const x = points[0].axisValue;
    const sorted = points.filter((item) => item.value[1] !== null).sort((a, b) => b.value[1] - a.value[1]);
    const rows = sorted.map((item) => ({
      colour: item.color,
      name: item.seriesName,
      value: numberText(item.value[1]),
    }));
    const near = marks.filter((mark) => Math.abs(mark.x - x) <= range * 0.012);
    const notes = near.map((mark) => ({ name: `${mark.text} (${numberText(mark.x)})` }));
    return tooltipBox(`${chart.x} ${numberText(x)}`, [...notes, ...rows]);
  };
}

function lineSeries(series, points, { color, dash }, isThin) {
  const width = isThin ? 1.25 : 2;
  return {
    type: "line",
    name: series.name,
    data: points,
    yAxisIndex: series.axis === "right" ? 1 : 0,
    showSymbol: points.length <= 40,
    symbol: "circle",
    symbolSize: 5,
    color,
    lineStyle: { width, type: series.dashed ? [6, 4] : dash },
    emphasis: { focus: "series", lineStyle: { width } },
    blur: { lineStyle: { opacity: 0.15 } },
  };
}

function lineChart(chart, { width, hidden }) {
  const styles = chart.series.map((_, index) => lineStyle(index));
  const marks = [...(chart.marks ?? [])].sort((a, b) => a.x - b.x);
  const lines = chart.series.map((series) => {
    const points = pointsOf(chart, series);
    return chart.log_y ? points.map(([x, y]) => [x, y > 0 ? y : null]) : points;
  });
  const steps = lines.flatMap((points) => (points.length > 0 ? [points[0][0], points[points.length - 1][0]] : []));
  const [first, last] = extentOf(steps);
  const isThin = chart.series.length > 12;
  const series = chart.series.map((line, i) => lineSeries(line, lines[i], styles[i], isThin));
  const onAxis = (side) => lines.filter((_, i) => (chart.series[i].axis === "right") === (side === "right"));
  const nameGap = marks.length > 0 ? 24 : 12;
  const vertical = { type: chart.log_y ? "log" : "value", nameGap, scale: isFarFromZero(onAxis("left")) };
  const nameWidth = width / (chart.right ? 2 : 1) - 8;
  const name = (text, align, padding) => ({
    name: shortened(text ?? "", nameWidth),
    nameTextStyle: { color: theme().muted, fontFamily: FONT, fontSize: FONT_SIZE, align, padding },
  });
  const axes = [numberAxis("", { ...vertical, ...name(chart.y, "left", [0, 0, 0, 4 - AXIS_WIDTH]) })];
  if (chart.right) {
    const right = { type: "value", nameGap, scale: isFarFromZero(onAxis("right")), splitLine: { show: false } };
    axes.push(numberAxis("", { ...right, ...name(chart.right, "right", [0, 4 - AXIS_WIDTH, 0, 0]) }));
  }
  return {
    height: isPrinting ? LINE_HEIGHT - 70 : LINE_HEIGHT,
    legend:
      chart.series.length > 1
        ? chart.series.map((line, i) => ({
            name: line.name,
            ...styles[i],
            dash: line.dashed ? [6, 4] : styles[i].dash,
            isLine: true,
          }))
        : [],
    option: baseOption(
      { left: AXIS_WIDTH, right: chart.right ? AXIS_WIDTH : 18, top: marks.length > 0 ? 46 : 34, bottom: 42 },
      {
        tooltip: tooltip("axis", lineTooltip(chart, marks, last - first)),
        xAxis: horizontalNumberAxis(chart.x, width, {
          min: first,
          max: last,
          splitLine: { show: false },
          axisLine: { show: true, lineStyle: { color: theme().axis } },
        }),
        yAxis: axes,
        series: [
          ...series.filter((line) => !hidden.has(line.name)),
          ...(marks.length > 0 ? [markSeries(marks)] : []),
          ...(chart.levels?.length > 0 ? [levelSeries(chart.levels, false)] : []),
        ],
      },
    ),
  };
}
