/** Helpers for the document. Text from the server is set through `textContent` only: any client can choose a route. */

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`index.html has no #${id}`);
  return found as T;
}

/** Makes an element with its class and children; strings become text nodes. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== '') element.className = className;
  element.append(...children);
  return element;
}

/** Writes only what differs: most of the page is the same from one frame to the next. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(element: Element, name: string, value: string): void {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Shows a value with its unit in a smaller size. */
export function setParts(element: Element, [value, unit]: readonly [string, string]): void {
  if (element.childNodes.length !== 2) element.replaceChildren(make('span'), make('span', 'unit'));
  setText(element.firstChild!, value);
  setText(element.lastChild!, unit);
}

/** The sign of an engaged thread; hidden at first. */
export function engagedSign(text: string): HTMLElement {
  const sign = make('span', 'engaged', text);
  sign.title = 'Engaged: requests, timers, or other input and output depend on this thread';
  sign.hidden = true;
  return sign;
}

/** Starts the download of a file. */
export function saveFile(blob: Blob, name: string): void {
  const link = make('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download keeps its own reference to the blob once it has begun.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
export const darkScheme = matchMedia('(prefers-color-scheme: dark)');
