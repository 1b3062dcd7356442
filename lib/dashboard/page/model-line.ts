/** What the page says of the concurrency model. The page of leader-followers shows it by its lanes. */
import { byId, make } from './dom.js';
import type { Model } from './model.js';

export function showModel({ promotes, strategy: { title, summary, source } }: Model): void {
  const line = byId('model');
  line.hidden = promotes;
  line.replaceChildren(make('strong', '', `${title}.`), ` ${summary} `, make('cite', '', source));
  byId('trace-arrows').hidden = !promotes;
}
