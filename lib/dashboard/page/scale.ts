/** How times and lanes are mapped to pixels of the lanes' canvas. */

/** Pixels here are device pixels counted from the epoch: a time has the same pixel in every picture. */
export interface Scale {
  /** Device pixels for each CSS pixel. */
  readonly density: number;
  readonly msPerPixel: number;
  /** The height of a lane, in device pixels. */
  readonly laneHeight: number;
  /** The width of the view, in device pixels. */
  readonly view: number;
}

export const pixelOf = (time: number, { msPerPixel }: Scale): number => Math.round(time / msPerPixel);
