/** The time axis below the lanes: drawn on the view and not on the picture that scrolls, so that no label is cut at an edge. */
import { clock, clockWithMillis } from './format.js';
import { palette } from './palette.js';
import { pixelOf, type Scale } from './scale.js';

/** In CSS pixels: the smallest distance of two labels, and the width over which one fades at the left edge. */
const LABELS_APART = 90;
const FADE = 14;

/** A round interval between two labels of the time axis. */
export function tickMs({ density, msPerPixel }: Scale): number {
  const minMs = LABELS_APART * density * msPerPixel;
  for (const step of [50, 100, 250, 500, 1000, 2000, 5000, 10_000, 15_000]) if (step >= minMs) return step;
  return 30_000;
}

/**
 * Writes the labels of the times from the pixel `first` on. At the right a label may reach beyond the lanes; at the left it
 * fades before it would be cut.
 */
export function writeTimes(
  context: CanvasRenderingContext2D,
  first: number,
  top: number,
  scale: Scale,
): void {
  const { density, msPerPixel, view } = scale;
  const stepMs = tickMs(scale);
  context.font = `${11 * density}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  context.fillStyle = palette().soft;
  for (let at = Math.ceil((first * msPerPixel) / stepMs) * stepMs; ; at += stepMs) {
    const x = pixelOf(at, scale) - first;
    if (x > view) break;
    const text = stepMs < 1000 ? clockWithMillis(at).slice(3) : clock(at);
    const room = x - context.measureText(text).width / 2;
    context.globalAlpha = Math.min(1, Math.max(0, room / (FADE * density)));
    context.fillText(text, x, top + 7 * density);
  }
  context.globalAlpha = 1;
}
