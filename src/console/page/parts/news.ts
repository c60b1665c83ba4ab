/** What has changed between the rows that are shown and the first page as it is now. */
export interface Page<R> {
  readonly rows: readonly R[];
  readonly next: string | null;
  readonly total?: number;
}

type IdOf<R> = (row: R) => string;
/** The row with the larger number comes first. */
type OrderOf<R> = ((row: R) => number) | undefined;

/** How many rows of the first page are new: not shown, and before what is shown. */
export function newsOf<R>(shown: (Page<R> & { readonly passed: number }) | null, newest: Page<R> | null, idOf: IdOf<R>, orderOf: OrderOf<R>): number {
  if (shown === null || newest === null) return 0;
  const known = new Set(shown.rows.map(idOf));
  const unknown = newest.rows.filter((row) => !known.has(idOf(row)));
  const [first] = shown.rows;
  if (first === undefined) return unknown.length;
  // Rows before what is shown were here, and left.
  if (shown.passed > 0) return 0;
  return orderOf === undefined ? unknown.length : unknown.filter((row) => orderOf(row) >= orderOf(first)).length;
}

/** Whether a row is gone: it is not in the first page, and would have to be. */
export function goneOf<R>(rows: readonly R[], newest: Page<R> | null, idOf: IdOf<R>, orderOf: OrderOf<R>): (row: R) => boolean {
  if (newest === null) return () => false;
  const there = new Set(newest.rows.map(idOf));
  const last = newest.rows.at(-1);
  if (newest.next === null) return (row) => !there.has(idOf(row));
  if (orderOf !== undefined && last !== undefined) return (row) => !there.has(idOf(row)) && orderOf(row) > orderOf(last);
  // Of what stands behind all that is still there, nobody knows.
  const known = new Set(rows.slice(0, rows.findLastIndex((row) => there.has(idOf(row))) + 1).map(idOf));
  return (row) => known.has(idOf(row)) && !there.has(idOf(row));
}
