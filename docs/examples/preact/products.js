/** What a database would hold: the same 2,000 products in every thread. */
const KINDS = ['Saddle', 'Pedal', 'Chain', 'Rim', 'Spoke', 'Bell', 'Bottle', 'Pump', 'Helmet', 'Glove'];
const MAKERS = ['Aubisque', 'Galibier', 'Mortirolo', 'Stelvio', 'Tourmalet', 'Ventoux', 'Zoncolan'];

export const products = Array.from({ length: 2000 }, (_, id) => ({
  id,
  name: `${KINDS[id % KINDS.length]} ${1000 + ((id * 7919) % 9000)}`,
  maker: MAKERS[id % MAKERS.length],
  stars: 1 + (id % 5),
  cents: 199 + ((id * 6151) % 50_000),
}));
