// A writer of SVG: elements as text, with what stands in attributes and in text escaped.

export type Attributes = Readonly<Record<string, string | number>>;

/** An element as it is written. */
export interface Element {
  readonly svg: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** An element with its children; a child that is a string is text. */
export function element(name: string, attributes: Attributes, ...children: (Element | string)[]): Element {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(value)}"`);
  const content = children.map((child) => (typeof child === 'string' ? escapeText(child) : child.svg));
  const start = `<${name}${written.join('')}`;
  return { svg: content.length === 0 ? `${start}/>` : `${start}>${content.join('')}</${name}>` };
}

/** Coordinates in hundredths, which no eye tells apart. */
function attribute(value: string | number): string {
  return typeof value === 'number' ? `${Math.round(value * 100) / 100}` : escapeText(value);
}

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ESCAPES[sign]!);
}
