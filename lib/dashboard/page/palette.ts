/** The colours of the style sheet, for drawing on a canvas. */
import { darkScheme } from './dom.js';

/** Indexed by the numbers of the states: Okabe and Ito's colours, which are distinct in every kind of colour vision. */
export const STATE_COLOURS: readonly string[] = ['#d55e00', '#cc79a7', '#56b4e9', '#009e73', '#e69f00'];
/** The colour of letters on them, with a contrast of at least 5 to 1 on each. */
export const ON_STATE = '#10130f';

export interface Palette {
  readonly card: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly accent: string;
  readonly track: string;
  readonly bad: string;
  readonly curves: readonly [string, string, string, string];
}

function read(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    card: colour('card'),
    ink: colour('ink'),
    soft: colour('soft'),
    line: colour('line'),
    accent: colour('accent'),
    track: colour('track'),
    bad: colour('bad-line'),
    curves: [colour('curve-1'), colour('curve-2'), colour('curve-3'), colour('curve-4')],
  };
}

let current: Palette | null = null;

export function palette(): Palette {
  current ??= read();
  return current;
}

/** Calls back whenever the colours have changed. */
export function onPaletteChange(changed: () => void): void {
  darkScheme.addEventListener('change', () => {
    current = null;
    changed();
  });
}
