/** Tells whether a command line asks for development: `paceline dev …`, or `--watch` anywhere. */

export interface DevelopmentLine {
  readonly isDevelopment: boolean;
  /** The line without it: that of a plain run. */
  readonly line: readonly string[];
}

/** An app or a directory called dev can be named as ./dev. */
export function developmentLine(words: readonly string[]): DevelopmentLine {
  if (words[0] === 'top' || words[0] === 'compare') return { isDevelopment: false, line: words };
  const rest = words[0] === 'dev' ? words.slice(1) : words;
  const end = rest.indexOf('--');
  const line = rest.filter((word, index) => word !== '--watch' || (end >= 0 && index > end));
  return { isDevelopment: line.length < words.length, line };
}
