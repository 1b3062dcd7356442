/** Saves what the page shows of the models as one picture, for people who were not there. */
import { make, saveFile } from '../../dashboard/page/dom.js';
import { palette } from '../../dashboard/page/palette.js';
import type { ModelView } from './model-view.js';
import { PictureLegend } from './picture-legend.js';

/** In CSS pixels. */
const EDGE = 24;
const LINE = 20;
const HEAD = 64;
const MODEL_HEAD = 58;
const GAP = 18;
const FOOT = 30;

/** Saves it, with what is compared, under which load, and what has to be known before the figures are believed. */
export function savePicture(
  [title, load, ...notes]: readonly [title: string, load: string, ...notes: readonly string[]],
  views: readonly ModelView[],
): void {
  const density = window.devicePixelRatio || 1;
  const canvas = make('canvas');
  const lanes = views.map((view) => view.lanes.picture());
  const width = Math.max(...lanes.map((one) => one.width)) + 2 * EDGE * density;
  const legends = views.map(({ legend }) => new PictureLegend(legend, width - 2 * EDGE * density, density));
  const heights = views.map(
    (view, index) => lanes[index]!.height + view.answers.height + legends[index]!.height,
  );
  canvas.width = width;
  canvas.height = heights.reduce(
    (sum, height) => sum + height + (MODEL_HEAD + GAP) * density,
    (HEAD + EDGE + FOOT + LINE * notes.length) * density,
  );
  const context = canvas.getContext('2d')!;
  const { card, ink, soft } = palette();
  context.fillStyle = card;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const write = (text: string, x: number, y: number, size: number, colour: string, weight = 400): void => {
    context.font = `${weight} ${size * density}px system-ui, sans-serif`;
    context.fillStyle = colour;
    context.fillText(text, x, y, width - x - EDGE * density);
  };
  const left = EDGE * density;
  write(title, left, (EDGE + 14) * density, 20, ink, 700);
  write(load, left, (EDGE + 14 + LINE) * density, 13, soft);
  let top = (HEAD + EDGE) * density;
  views.forEach((view, index) => {
    write(`${view.model.title}   ${view.figure}`, left, top + 12 * density, 15, ink, 650);
    write(view.model.summary, left, top + 12 * density + LINE * density, 12, soft);
    const lane = lanes[index]!;
    context.drawImage(lane, left, top + MODEL_HEAD * density);
    context.drawImage(
      view.answers,
      left + lane.width - view.answers.width,
      top + MODEL_HEAD * density + lane.height,
    );
    const legend = legends[index]!;
    top += MODEL_HEAD * density + heights[index]!;
    legend.draw(context, left, top - legend.height);
    top += GAP * density;
  });
  notes.forEach((note, index) => {
    write(note, left, top + (8 + LINE * index) * density, 12, soft);
  });
  canvas.toBlob((blob) => {
    const name = `paceline-compare-${new Date().toISOString().replace(/[:.]/g, '-')}.png`;
    if (blob !== null) saveFile(blob, name);
  });
}
