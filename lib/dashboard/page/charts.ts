/** The charts of the last minutes, with one cursor for all of them. */
import uPlot from '/uplot/uPlot.esm.js';
import type { Point } from '../protocol.js';
import { byId, make, setAttribute } from './dom.js';
import { bytes, clock, count, duration, rate, rounded } from './format.js';
import type { History } from './history.js';
import { capitalized, type Model } from './model.js';
import { onPaletteChange, palette } from './palette.js';
import type { Playback } from './playback.js';
import type { Picture } from './snapshot.js';

/** The longest time that the curves show, and the shortest, for a server that has just started. */
const SPAN_MS = 180_000;
const MIN_SPAN_MS = 60_000;
const HEIGHT = 190;
/** Between points further apart than this the curve has a gap. */
const GAP_MS = 3000;
/** Half the width of a time label, in CSS pixels: nearer to the left end it would overlap the other axis, and at the right it has that much room. */
const LABEL_HALF = 28;
/** The distances between two labels of a linear scale. */
const INCREMENTS = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((step) => step * 10 ** power),
).flat();
/** The lower end of the logarithmic scale of percentiles. */
const MIN_MS = 0.001;

interface Curve {
  readonly name: string;
  readonly read: (point: Point) => number | null | undefined;
  /** The index of its colour in the palette; its dashes distinguish it from the others without colour. */
  readonly colour: 0 | 1 | 2 | 3;
  readonly dash?: number[];
  readonly filled?: boolean;
  /** Only where threads promote each other. */
  readonly ofLeaders?: boolean;
}

interface ChartPlan {
  readonly title: string;
  readonly logarithmic: boolean;
  readonly write: (value: number | null | undefined) => string;
  readonly curves: readonly Curve[];
}

const DASHED = [7, 4];
const DOTTED = [2, 3];

const PLANS: readonly ChartPlan[] = [
  {
    title: 'Throughput',
    logarithmic: false,
    write: rate,
    curves: [
      { name: 'requests', read: ({ requests }) => requests, colour: 0, filled: true },
      { name: 'promotions', read: ({ promotions }) => promotions, colour: 1, dash: DASHED, ofLeaders: true },
    ],
  },
  {
    title: 'Response time',
    logarithmic: true,
    write: duration,
    curves: [
      { name: 'p50', read: ({ responseMs }) => responseMs?.p50, colour: 0 },
      { name: 'p90', read: ({ responseMs }) => responseMs?.p90, colour: 1, dash: DASHED },
      { name: 'p99', read: ({ responseMs }) => responseMs?.p99, colour: 2, dash: DOTTED },
    ],
  },
  {
    title: 'Waiting time',
    logarithmic: true,
    write: duration,
    curves: [
      { name: 'queue p50', read: ({ queueMs }) => queueMs?.p50, colour: 0 },
      { name: 'queue p99', read: ({ queueMs }) => queueMs?.p99, colour: 0, dash: DOTTED },
      { name: 'promotion p50', read: ({ promotionMs }) => promotionMs?.p50, colour: 3, ofLeaders: true },
      {
        name: 'promotion p99',
        read: ({ promotionMs }) => promotionMs?.p99,
        colour: 3,
        dash: DOTTED,
        ofLeaders: true,
      },
    ],
  },
  {
    title: 'Bytes',
    logarithmic: false,
    write: (value) => (value === null || value === undefined ? '–' : `${bytes(value)}/s`),
    curves: [
      { name: 'out', read: ({ bytesOut }) => bytesOut, colour: 0, filled: true },
      { name: 'in', read: ({ bytesIn }) => bytesIn, colour: 1, dash: DASHED },
    ],
  },
];

/** The charts of a model: with its queue, and without what only leaders have. */
function plansOf({ promotes, strategy: { queue } }: Model): readonly ChartPlan[] {
  const plans = PLANS.map((plan) => ({
    ...plan,
    curves: plan.curves.filter(({ ofLeaders }) => promotes || !ofLeaders),
  }));
  if (queue === null) return plans;
  const length: ChartPlan = {
    title: capitalized(queue),
    logarithmic: false,
    write: count,
    curves: [{ name: 'longest', read: (point) => point.queue, colour: 0, filled: true }],
  };
  return [...plans, length];
}

export class Charts {
  readonly #history: History;
  readonly #playback: Playback;
  #charts: { readonly plan: ChartPlan; readonly chart: uPlot; readonly figure: HTMLElement }[] = [];
  #hovered = false;

  constructor(history: History, playback: Playback) {
    this.#history = history;
    this.#playback = playback;
    const parent = byId('charts');
    new ResizeObserver(() => this.#resize()).observe(parent);
    onPaletteChange(() => {
      for (const { chart } of this.#charts) chart.redraw(false, true);
    });
    parent.addEventListener('pointerenter', () => {
      this.#hovered = true;
    });
    parent.addEventListener('pointerleave', () => {
      this.#hovered = false;
      this.show();
    });
  }

  /** Shows what there is in another model. */
  introduce(model: Model): void {
    for (const { chart, figure } of this.#charts) {
      chart.destroy();
      figure.remove();
    }
    this.#charts = [];
    for (const plan of plansOf(model)) this.#add(plan, byId('charts'));
  }

  /** The charts with their titles, for the snapshot. */
  get pictures(): Picture[] {
    return this.#charts.map(({ plan, chart }) => ({
      title: plan.title,
      canvas: chart.ctx.canvas,
      legend: chart.root.querySelector<HTMLElement>('.u-legend')!,
    }));
  }

  show(): void {
    const end = this.#playback.curvesEndAt;
    const points = this.#history.points.filter(({ at }) => at >= end - SPAN_MS && at <= end + 1);
    const times: number[] = [];
    const rows: (Point | null)[] = [];
    for (const point of points) {
      const last = rows.at(-1);
      if (last && point.at - last.at > GAP_MS) {
        times.push((last.at + 1) / 1000);
        rows.push(null);
      }
      times.push(point.at / 1000);
      rows.push(point);
    }
    const shown = nearest(times, this.#playback.at / 1000);
    for (const { plan, chart, figure } of this.#charts) {
      const values = plan.curves.map(({ read }) =>
        rows.map((point) => {
          const value = point === null ? null : (read(point) ?? null);
          return value !== null && plan.logarithmic ? Math.max(MIN_MS, value) : value;
        }),
      );
      chart.setData([times, ...values]);
      if (!this.#hovered && times.length > 0) chart.setLegend({ idx: shown }, false);
      const now = plan.curves.map(({ name }, index) => `${name} ${plan.write(values[index]![shown])}`);
      setAttribute(figure, 'aria-label', `${plan.title}: ${now.join(', ')}`);
    }
  }

  #add(plan: ChartPlan, parent: HTMLElement): void {
    const holder = make('div', 'plot');
    const figure = make('figure', 'card chart', make('figcaption', '', plan.title), holder);
    figure.setAttribute('role', 'group');
    parent.append(figure);
    const chart = new uPlot(
      this.#options(plan, holder.clientWidth || 300),
      [[], ...plan.curves.map(() => [])],
      holder,
    );
    this.#charts.push({ plan, chart, figure });
  }

  #options(plan: ChartPlan, width: number): uPlot.Options {
    const font = '11px system-ui, sans-serif';
    const grid = { stroke: () => palette().line, width: 1 };
    return {
      width,
      height: HEIGHT,
      padding: [8, LABEL_HALF, 0, 0],
      cursor: { y: false, sync: { key: 'paceline' }, drag: { x: false, y: false }, points: { size: 6 } },
      legend: {
        live: true,
        markers: {
          width: 2,
          fill: () => 'transparent',
          dash: (_chart, index) => dashName(plan.curves[index - 1]?.dash),
        },
      },
      scales: {
        x: { time: true, range: () => this.#range() },
        y: plan.logarithmic
          ? { distr: 3, range: (_chart, low, high) => decades(low, high) }
          : { range: (_chart, _low, high) => [0, Math.max(1, (high ?? 0) * 1.12)] },
      },
      axes: [
        {
          stroke: () => palette().soft,
          font,
          grid: { show: false },
          ticks: { show: false },
          space: 90,
          size: 26,
          values: (chart, splits) =>
            splits.map((at) => (chart.valToPos(at, 'x') < LABEL_HALF ? '' : clock(at * 1000))),
        },
        {
          stroke: () => palette().soft,
          font,
          grid,
          ticks: { show: false },
          size: 64,
          gap: 6,
          space: 34,
          // Fractions of a byte or of a request are rounded, and would be labelled alike.
          ...(plan.logarithmic ? { splits: powersOfTen } : { incrs: INCREMENTS }),
          values: (_chart, splits) =>
            splits.map((value) => (value === null ? '' : rounded(plan.write(value)))),
        },
      ],
      series: [
        { label: 'at', value: (_chart, at) => (at === null ? '' : clock(at * 1000)) },
        ...plan.curves.map(
          ({ name, colour, dash, filled }): uPlot.Series => ({
            label: name,
            stroke: () => palette().curves[colour],
            width: dash === DOTTED ? 1.75 : 1.5,
            ...(dash === undefined ? {} : { dash }),
            ...(filled ? { fill: () => `${palette().curves[colour]}1f` } : {}),
            points: { show: false },
            value: (_chart, value) => plan.write(value),
          }),
        ),
      ],
      hooks: { draw: [(chart) => this.#mark(chart)] },
    };
  }

  #range(): [number, number] {
    const end = this.#playback.curvesEndAt || Date.now();
    const age = end - (this.#history.points[0]?.at ?? end);
    return [(end - Math.min(SPAN_MS, Math.max(MIN_SPAN_MS, age))) / 1000, end / 1000];
  }

  /** Marks the time that is shown while the page is paused. */
  #mark(chart: uPlot): void {
    if (this.#playback.live) return;
    const x = Math.round(chart.valToPos(this.#playback.at / 1000, 'x', true));
    const { left, top, width, height } = chart.bbox;
    if (x < left || x > left + width) return;
    chart.ctx.save();
    chart.ctx.fillStyle = palette().ink;
    chart.ctx.fillRect(x - 1, top, 2, height);
    chart.ctx.restore();
  }

  #resize(): void {
    for (const { chart } of this.#charts) {
      const width = chart.root.parentElement?.clientWidth ?? 0;
      if (width > 0 && width !== chart.width) chart.setSize({ width, height: HEIGHT });
    }
  }
}

/** The range of whole decades that contains the values, at least two. */
function decades(low: number | null, high: number | null): [number, number] {
  const lowest = Math.floor(Math.log10(Math.max(MIN_MS, low ?? 0.01)) + 1e-9);
  const highest = Math.max(lowest + 2, Math.ceil(Math.log10(Math.max(MIN_MS, high ?? 1)) - 1e-9));
  return [10 ** lowest, 10 ** highest];
}

function powersOfTen(_chart: uPlot, _axis: number, low: number, high: number): number[] {
  const splits: number[] = [];
  for (let power = Math.round(Math.log10(low)); power <= Math.round(Math.log10(high)); power++)
    splits.push(10 ** power);
  return splits;
}

/** The CSS border style for a curve's dashes in the legend. */
function dashName(dash: number[] | undefined): string {
  return dash === undefined ? 'solid' : dash === DASHED ? 'dashed' : 'dotted';
}

function nearest(times: readonly number[], time: number): number {
  const after = times.findIndex((at) => at > time);
  return after === -1 ? times.length - 1 : Math.max(0, after - 1);
}
