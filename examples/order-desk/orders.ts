/** What customers order in the demo, as the three generations of shops send it, and what the agents should get of it. */

/** A line of `order.placed` as it is today. */
interface Line {
  readonly sku: string;
  readonly quantity: number;
}

export interface Order {
  readonly orderId: string;
  /** The shop that sends it, each built for one version: till v1, kiosk v2, web v3. */
  readonly shop: string;
  readonly schemaVersion: number;
  /** `data` as that shop sends it. */
  readonly sent: Readonly<Record<string, unknown>>;
  /** `data` as an agent of today should get it, worked out here without any upcaster. */
  readonly expected: {
    readonly orderId: string;
    readonly email: string;
    readonly totalCents: number;
    readonly currency: string;
    readonly lines: readonly Line[];
  };
}

const shops = ["till", "kiosk", "web"] as const;

/** Price of a piece in cents. */
const goods = { mug: 1250, notebook: 480, lamp: 3990, kettle: 5495, globe: 2900, chair: 14_900, desk: 38_900 };
export type Sku = keyof typeof goods;

const customers = ["ada", "bruno", "chiara", "dilan", "emil", "farah", "goran", "hanna", "ines", "jonas"];

/**
 * The `number`th order of the day; shops take turns.
 *
 * @param basket pieces of each SKU, at least one in all.
 * @param free a voucher that should never have been: the total is zero.
 */
export function makeOrder(number: number, basket: Partial<Record<Sku, number>>, { free = false }: { readonly free?: boolean } = {}): Order {
  const shop = shops[number % shops.length] ?? "web";
  const orderId = `o-${String(number).padStart(2, "0")}`;
  const email = `${customers[number % customers.length]}@example.org`;
  const lines = Object.entries(basket).map(([sku, quantity]) => ({ sku, quantity }));
  const totalCents = free ? 0 : lines.reduce((sum, { sku, quantity }) => sum + goods[sku as Sku] * quantity, 0);
  const expected = { orderId, email, totalCents, currency: "EUR", lines };
  const items = pieces(lines);
  const order = { orderId, shop, expected };
  if (shop === "till") return { ...order, schemaVersion: 1, sent: { orderId, email, total: totalCents / 100, items } };
  if (shop === "kiosk") return { ...order, schemaVersion: 2, sent: { orderId, email, totalCents, currency: "EUR", items } };
  return { ...order, schemaVersion: 3, sent: expected };
}

/** One of each line, then the second of each, …: as a till that is fed by hand names them. */
function pieces(lines: readonly Line[]): readonly string[] {
  const rounds = Math.max(...lines.map(({ quantity }) => quantity));
  return Array.from({ length: rounds }, (_, round) => lines.filter(({ quantity }) => quantity > round).map(({ sku }) => sku)).flat();
}

/** Twelve orders of a quiet morning. */
export const morning: readonly Order[] = (
  [
    { mug: 2, notebook: 1 },
    { lamp: 1 },
    { chair: 1, mug: 1 },
    { notebook: 5 },
    { kettle: 1 },
    { desk: 1 },
    { mug: 4 },
    { lamp: 2, notebook: 2 },
    { mug: 3 },
    { notebook: 1 },
    { chair: 2 },
    { mug: 1, lamp: 1 },
  ] satisfies readonly Partial<Record<Sku, number>>[]
).map((basket, index) => makeOrder(index + 1, basket));

/** Eighteen orders of a bad noon, by what they will meet. */
export const noon = {
  /** Above 100 euros: the payment bug is about these. */
  dear: [
    makeOrder(13, { chair: 1 }),
    makeOrder(16, { desk: 1, lamp: 1 }),
    makeOrder(20, { chair: 2, mug: 2 }),
    makeOrder(24, { desk: 2 }),
    makeOrder(27, { lamp: 3 }),
  ],
  /** The warehouse takes its time over these. */
  slow: [makeOrder(15, { mug: 2 }), makeOrder(22, { notebook: 3, mug: 1 })],
  soldOut: [makeOrder(18, { globe: 1 }), makeOrder(21, { globe: 2 }), makeOrder(28, { mug: 1, globe: 1 })],
  free: makeOrder(25, { lamp: 1 }, { free: true }),
  plain: [14, 17, 19, 23, 26, 29, 30].map((number, index) => makeOrder(number, index % 2 === 0 ? { mug: 1 + (index % 3), notebook: 2 } : { kettle: 1 })),
};
