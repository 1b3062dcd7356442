/** A check of the XML that the plots consist of: one root, elements that nest, quoted attributes, and escaped text. */

const TAG = /<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w:-]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)\s*(\/?)>/y;
const TEXT = /(?:[^<&]|&(?:amp|lt|gt|quot);)+/y;

/** @throws Error where the text is not well-formed */
export function assertWellFormed(xml: string): void {
  const open: string[] = [];
  let roots = 0;
  const text = xml.trim();
  for (let at = 0; at < text.length; ) {
    TAG.lastIndex = at;
    TEXT.lastIndex = at;
    const tag = TAG.exec(text);
    const [characters] = tag ? [''] : (TEXT.exec(text) ?? ['']);
    if (!tag && characters === '') throw new Error(`not well-formed at ${text.slice(at, at + 60)}`);
    at += tag ? tag[0].length : characters.length;
    if (!tag) continue;
    const [, closing, name, , empty] = tag;
    if (closing && open.pop() !== name) throw new Error(`</${name}> closes another element`);
    if (!closing && open.length === 0) roots += 1;
    if (!closing && !empty) open.push(name!);
  }
  if (open.length > 0 || roots !== 1) throw new Error(`${roots} roots, and left open: ${open.join(', ')}`);
}
