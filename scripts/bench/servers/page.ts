// A page of 16 KiB, rendered anew for each request by a template literal, with what comes from data escaped. The sign of the
// currency makes it, as most pages, more than ASCII.

const ROWS = 64;
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** The page of a shelf, with the words that were searched for. */
export function shelfPage(id: string, words: string): string {
  const title = `Shelf ${id}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeText(title)}</title>
<link rel="stylesheet" href="/shop.css">
</head>
<body>
<header><a href="/">Shop</a> <form action="/search"><input name="q" value="${escapeText(words)}"></form></header>
<h1>${escapeText(title)}</h1>
<p>Found for “${escapeText(words)}”:</p>
<table>
<thead><tr><th>Name</th><th>Maker</th><th>Price</th><th></th></tr></thead>
<tbody>
${Array.from({ length: ROWS }, (_, index) => row(id, index)).join('\n')}
</tbody>
</table>
</body>
</html>
`;
}

function row(id: string, index: number): string {
  const name = `Book ${index} of shelf ${id}, "revised & enlarged"`;
  const maker = index % 3 === 0 ? `Smith & Sons <${index}>` : `Printer ${index}`;
  const price = (((index + 1) * 379) / 100).toFixed(2);
  return `<tr><td><a href="/books/${escapeText(id)}/${index}">${escapeText(name)}</a></td><td>${escapeText(maker)}</td><td>€ ${price}</td><td><button name="add" value="${escapeText(id)}-${index}">Add to the cart</button></td></tr>`;
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ESCAPES[sign]!);
}
