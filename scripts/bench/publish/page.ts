/** The marks around what is written by a program; nothing else of a page is touched. */
const BEGIN = '<!-- results of the last full run: npm run bench:publish -->';
const END = '<!-- end of the results -->';

/** A page with other results between its marks. @throws where it has no marks */
export function withResults(page: string, results: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`the page lacks its marks: ${BEGIN} … ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${results}\n\n${page.slice(to)}`;
}
