// What the routes of real-app.ts answer, apart from any framework: Hono's and Fastify's routes call these, so that the bodies
// are the same byte for byte.

const OFFERS = 10;

interface Item {
  readonly price: number;
  readonly qty: number;
}

/** An order as it is posted. */
export interface Order {
  readonly items: readonly Item[];
}

/** A product with its offers: some 650 bytes as JSON. */
export function productOf(id: string, list: string | undefined, agent: string | undefined): object {
  const offers = Array.from({ length: OFFERS }, (_, rank) => ({
    rank,
    name: `offer ${rank} of ${id}`,
    price: rank * 1.5,
  }));
  return { id, list, agent, offers };
}

export function receiptOf({ items }: Order): object {
  const total = items.reduce((sum, { price, qty }) => sum + price * qty, 0);
  return { ok: true, count: items.length, total };
}
