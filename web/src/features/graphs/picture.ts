/** The picture itself, drawn by uPlot; loaded only with this page. Colours and sizes come from the page. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import type { Drawing, Mark } from "@/features/graphs/drawing";
import type { Values } from "@/features/graphs/metrics";

export type Colours = Record<"in" | "out" | "inFill" | "outFill" | "peak" | "muted" | "line" | "gap" | "commit" | "ink", string>;
/** What the page says around the picture and hears from it. */
export type Page = {
  height: (values: number[]) => string[];
  time: (seconds: number[], step: number) => string[];
  hover: (index: number | null) => void;
  zoom: (from: number, to: number) => void;
};

const PADDING_RIGHT = 10;

/** A measurement between two gaps has no line to its neighbours; it is drawn as a point. */
function lonely(values: Values): number[] {
  return values.flatMap((value, index) =>
    value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null ? [index] : [],
  );
}

function lineSeries(values: Values, stroke: string, fill?: string): uPlot.Series {
  return {
    stroke,
    width: 1.75,
    ...(fill ? { fill } : {}),
    points: { show: false, size: 4, stroke, fill: stroke, filter: () => lonely(values) },
  };
}

function peakSeries(stroke: string): uPlot.Series {
  return { stroke, width: 1, points: { show: false } };
}

function barSeries(stroke: string, fill: string, align: -1 | 1): uPlot.Series {
  const paths = uPlot.paths.bars?.({ size: [0.42, 44, 1], align, gap: 1 });
  return { stroke, fill, width: 1, ...(paths ? { paths } : {}), points: { show: false } };
}

function seriesOf(drawing: Drawing, colours: Colours): uPlot.Series[] {
  if (drawing.kind === "bars") {
    return [{}, barSeries(colours.in, colours.in, -1), barSeries(colours.out, colours.outFill, 1)];
  }
  const rates = [
    {},
    lineSeries(drawing.incoming, colours.in, colours.inFill),
    lineSeries(drawing.outgoing, colours.out),
  ];
  return drawing.peaks ? [...rates, peakSeries(colours.peak), peakSeries(colours.outFill)] : rates;
}

function dataOf({ at, incoming, outgoing, peaks }: Drawing): uPlot.AlignedData {
  return peaks ? [at, incoming, outgoing, peaks.incoming, peaks.outgoing] : [at, incoming, outgoing];
}

function shade(plot: uPlot, drawing: Drawing, colour: string): void {
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.fillStyle = colour;
  for (const [from, to] of drawing.gaps) {
    const start = Math.max(left, plot.valToPos(from, "x", true));
    const end = Math.min(left + width, plot.valToPos(to, "x", true));
    if (end > start) plot.ctx.fillRect(start, top, Math.max(end - start, 1), height);
  }
  plot.ctx.restore();
}

function rule(plot: uPlot, marks: Mark[], colours: Colours): void {
  const { left, width } = plot.bbox;
  plot.ctx.save();
  plot.ctx.lineWidth = 1.5 * uPlot.pxRatio;
  for (const { kind, value } of marks) {
    const y = Math.round(plot.valToPos(value, "y", true));
    plot.ctx.strokeStyle = kind === "commit" ? colours.commit : colours.ink;
    plot.ctx.setLineDash((kind === "commit" ? [8, 5] : [2, 4]).map((part) => part * uPlot.pxRatio));
    plot.ctx.beginPath();
    plot.ctx.moveTo(left, y);
    plot.ctx.lineTo(left + width, y);
    plot.ctx.stroke();
  }
  plot.ctx.restore();
}

function widthOf(plot: uPlot, label: string): number {
  plot.ctx.font = `${12 * uPlot.pxRatio}px system-ui, sans-serif`;
  return plot.ctx.measureText(label).width / uPlot.pxRatio;
}

function isCutOff(plot: uPlot, at: number, label: string): boolean {
  const room = plot.bbox.width / uPlot.pxRatio + PADDING_RIGHT - plot.valToPos(at, "x");
  return widthOf(plot, label) / 2 > room;
}

function axesOf(page: Page, colours: Colours, narrow: boolean): uPlot.Axis[] {
  const font = "12px system-ui, sans-serif";
  const common = { stroke: colours.muted, font, ticks: { show: false } };
  return [
    {
      ...common,
      space: narrow ? 62 : 78,
      gap: 8,
      size: 30,
      grid: { show: false },
      // A label at the end would be cut off.
      values: (plot, splits, _, __, step) =>
        page.time(splits, step).map((label, at) => (isCutOff(plot, splits[at] ?? 0, label) ? "" : label)),
    },
    {
      ...common,
      space: 44,
      gap: 8,
      size: (plot, labels) => {
        if (!labels?.length) return 40;
        return Math.ceil(Math.max(...labels.map((label) => widthOf(plot, label)))) + 14;
      },
      grid: { stroke: colours.line, width: 1 },
      values: (_, splits) => page.height(splits),
    },
  ];
}

/** Seconds of a dragged area, or nothing when it was only a click. */
function dragged(plot: uPlot): [number, number] | null {
  const { left, width } = plot.select;
  return width > 4 ? [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")] : null;
}

export function draw(
  target: HTMLElement,
  drawing: Drawing,
  size: { width: number; height: number },
  colours: Colours,
  page: Page,
): uPlot {
  const marks = drawing.marks.filter(({ value }) => value <= drawing.top);
  return new uPlot(
    {
      ...size,
      tzDate: (second) => uPlot.tzDate(new Date(second * 1000), drawing.zone),
      padding: [10, PADDING_RIGHT, 0, 0],
      legend: { show: false },
      series: seriesOf(drawing, colours),
      scales: {
        x: { time: true, range: () => [drawing.from, drawing.to] },
        y: { range: () => [0, drawing.top * 1.06] },
      },
      axes: axesOf(page, colours, size.width < 560),
      cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false, setScale: false, dist: 4 } },
      hooks: {
        drawClear: [(plot) => shade(plot, drawing, colours.gap)],
        draw: [(plot) => rule(plot, marks, colours)],
        setCursor: [(plot) => page.hover(plot.cursor.idx ?? null)],
        setSelect: [
          (plot) => {
            const area = dragged(plot);
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (area) page.zoom(area[0] * 1000, area[1] * 1000);
          },
        ],
      },
    },
    dataOf(drawing),
    target,
  );
}
