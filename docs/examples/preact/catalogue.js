/** The page as Preact components. htm stands in for JSX, so that nothing has to be compiled. */
import { html } from 'htm/preact';

const ORDERS = {
  name: (a, b) => a.name.localeCompare(b.name),
  price: (a, b) => a.cents - b.cents,
  stars: (a, b) => b.stars - a.stars,
};

const STYLE = `
  body { font-family: system-ui, sans-serif; max-width: 60rem; margin: auto; padding: 0 1rem }
  li { display: flex; gap: 1rem; padding: .25rem 0; border-bottom: 1px solid #ccc }
  .price { margin-left: auto; font-variant-numeric: tabular-nums }
`;

const Price = ({ cents }) => html`<span class="price">${(cents / 100).toFixed(2)} €</span>`;

const Stars = ({ count }) =>
  html`<span role="img" aria-label="${count} of 5 stars">${'★'.repeat(count)}${'☆'.repeat(5 - count)}</span>`;

const Product = ({ name, maker, stars, cents }) => html`
  <li>
    <strong>${name}</strong>
    <em>${maker}</em>
    <${Stars} count=${stars} />
    <${Price} cents=${cents} />
  </li>
`;

const Search = ({ query, sort }) => html`
  <form>
    <input type="search" name="q" value=${query} aria-label="Search" />
    <select name="sort" aria-label="Sort by">
      ${Object.keys(ORDERS).map((name) => html`<option selected=${name === sort}>${name}</option>`)}
    </select>
    <button>Show</button>
  </form>
`;

export function Catalogue({ products, query, sort }) {
  const wanted = query.toLowerCase();
  const found = products
    .filter(({ name, maker }) => `${name} ${maker}`.toLowerCase().includes(wanted))
    .sort(Object.hasOwn(ORDERS, sort) ? ORDERS[sort] : ORDERS.name);
  return html`
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Catalogue</title>
        <style>${STYLE}</style>
      </head>
      <body>
        <h1>Catalogue</h1>
        <${Search} query=${query} sort=${sort} />
        <p id="count">${found.length} products</p>
        <ul>
          ${found.map((product) => html`<${Product} key=${product.id} ...${product} />`)}
        </ul>
      </body>
    </html>
  `;
}
