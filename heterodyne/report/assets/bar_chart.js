// "bars": values by name, one or several series beside or upon each other, upright or lying.

const BAR_ROW = 26;

function barSeries(chart, series, colour, isAlone) {
  return {
    type: "bar",
    name: series.name,
    data: series.values,
    stack: chart.stacked ? "all" : undefined,
    color: colour,
    barMaxWidth: chart.horizontal ? 18 : 56,
    barCategoryGap: chart.horizontal ? "25%" : "35%",
    emphasis: { focus: "series" },
    blur: { itemStyle: { opacity: 0.25 } },
    label: {
      show: isAlone && series.values.length <= 24,
      position: chart.horizontal ? "right" : "top",
      color: theme().muted,
      fontFamily: FONT,
      fontSize: FONT_SIZE,
      formatter: ({ value }) => numberText(value, 3),
    },
  };
}

function barTooltip(items) {
  const bars = items.filter((item) => item.seriesType === "bar");
  const rows = bars.map((item) => ({ colour: item.color, name: item.seriesName, value: numberText(item.value) }));
  return bars.length > 0 ? tooltipBox(bars[0].name, rows) : "";
}

function barChart(chart, { width, hidden }) {
  const styles = chart.series.map((_, index) => lineStyle(index));
  const isAlone = chart.series.length === 1;
  const series = chart.series.map((bars, i) => barSeries(chart, bars, styles[i].color, isAlone));
  const levels = chart.levels?.length > 0 ? [levelSeries(chart.levels, chart.horizontal)] : [];
  const highest = Math.max(...(chart.levels ?? []).map((level) => level.y));
  const reach = { max: ({ max }) => (highest > max ? highest : null) };
  const legend = isAlone ? [] : chart.series.map((bars, i) => ({ name: bars.name, ...styles[i] }));
  const shown = series.filter((bars) => !hidden.has(bars.name));
  const box = { ...tooltip("axis", barTooltip), axisPointer: { type: "shadow" } };
  if (chart.horizontal) {
    const left = namesWidth(chart.names, width);
    const top = levels.length > 0 ? 26 : 10;
    return {
      height: chart.names.length * BAR_ROW * Math.max(1, chart.stacked ? 1 : chart.series.length * 0.7) + top + 42,
      legend,
      option: baseOption(
        { left: left + 12, right: isAlone ? 64 : 24, top, bottom: 42 },
        {
          tooltip: box,
          xAxis: horizontalNumberAxis(chart.y, width, reach),
          yAxis: nameAxis(chart.names, left, { inverse: true, axisLabel: { interval: 0 } }),
          series: [...shown, ...levels],
        },
      ),
    };
  }
  const columnWidth = Math.max(28, (width - 68) / Math.max(chart.names.length, 1));
  const isTight = chart.names.some((name) => textWidth(name) > columnWidth - 6) && columnWidth < 88;
  const nameWidth = isTight ? 96 : columnWidth - 8;
  const namesHeight = isTight ? 0.72 * Math.min(nameWidth, widestOf(chart.names)) + 12 : 20;
  return {
    height: 250 + namesHeight,
    minWidth: chart.names.length * 28 + 68,
    legend,
    option: baseOption(
      { left: AXIS_WIDTH, right: 18, top: 34, bottom: namesHeight + 24 },
      {
        tooltip: box,
        xAxis: nameAxis(chart.names, nameWidth, {
          name: chart.x,
          nameLocation: "middle",
          nameGap: namesHeight + 6,
          nameTextStyle: { color: theme().muted, fontFamily: FONT, fontSize: FONT_SIZE },
          axisLabel: { interval: 0, rotate: isTight ? 45 : 0 },
        }),
        yAxis: numberAxis(chart.y, {
          ...reach,
          nameGap: 12,
          nameTextStyle: {
            color: theme().muted,
            fontFamily: FONT,
            fontSize: FONT_SIZE,
            align: "left",
            padding: [0, 0, 0, 4 - AXIS_WIDTH],
          },
        }),
        series: [...shown, ...levels],
      },
    ),
  };
}
