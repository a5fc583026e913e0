// What the report's page needs of Apache ECharts: lines, bars, drawings of its own, drawn as SVG.
// README.md says how echarts.min.js is made from this.
import { BarChart, CustomChart, LineChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, CustomChart, LineChart, GridComponent, TooltipComponent, SVGRenderer]);

export { init };
