/** A table of many rows: a real one, of which those in sight stand in the page. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { moveInRows } from "./row-keys.ts";
import { rowPixels, useVirtualRows } from "./virtual-rows.ts";

export interface Column<R> {
  readonly name: string;
  readonly cell: (row: R) => ComponentChildren;
  /** In the width of a digit. Columns without one share what is left. */
  readonly width?: number;
  /** Left out where there is little room. */
  readonly wide?: boolean;
  readonly isNumber?: boolean;
  /** What stands at its head in place of its name: a box to tick. */
  readonly mark?: ComponentChildren;
}

export interface TableProps<R> {
  readonly label: string;
  readonly columns: readonly Column<R>[];
  readonly rows: readonly R[];
  readonly idOf: (row: R) => string;
  /** How many there are, if more than are here; -1 when nobody knows. */
  readonly total?: number;
  /** How many rows before the first one were here, and are not any more. */
  readonly passed?: number;
  /** A row that is over, and stays where it is until the list is read again. */
  readonly isOver?: (row: R) => boolean;
  readonly empty: ComponentChildren;
}

/** A column that says no width is not made narrower than this. */
const leastWidth = 14;

export function Table<R>({ label, columns, rows, idOf, total = rows.length, passed = 0, isOver = () => false, empty }: TableProps<R>) {
  const scroller = useRef<HTMLElement>(null);
  const { items, before, after } = useVirtualRows(scroller, rows.length);
  useStillRows(scroller, passed);
  if (rows.length === 0) return <div class="empty">{empty}</div>;
  // A gap that spans columns which are left out would bring them back.
  const narrow = columns.filter(({ wide }) => !wide).length;
  const least = columns.reduce((sum, { width = leastWidth, wide }) => sum + (wide ? 0 : width), 0);
  const leastWide = columns.reduce((sum, { width = leastWidth }) => sum + width, 0);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
    <section class="table" ref={scroller} tabIndex={0} aria-label={`${label}, rows`} onKeyDown={moveInRows}>
      <table aria-rowcount={total === -1 ? -1 : total + 1} aria-label={label} style={{ "--least": `${least}ch`, "--least-wide": `${leastWide}ch` }}>
        <colgroup>
          {columns.map((column) => (
            <col key={column.name} class={classOf(column)} style={column.width === undefined ? {} : { width: `calc(${column.width}ch + 1.2rem)` }} />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={classOf(column)} title={column.name}>
                {column.mark ?? column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Gap pixels={before} columns={narrow} />}
          {items.map((index) => {
            const row = rows[index]!;
            return (
              <tr key={idOf(row)} aria-rowindex={passed + index + 2} class={isOver(row) ? "over" : ""}>
                {columns.map((column) => (
                  <td key={column.name} class={classOf(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 && <Gap pixels={after} columns={narrow} />}
        </tbody>
      </table>
    </section>
  );
}

function classOf<R>({ wide, isNumber, mark }: Column<R>): string {
  return [wide && "wide", isNumber && "number", mark !== undefined && "mark"].filter(Boolean).join(" ");
}

/** What stands for the rows that are out of sight. */
function Gap({ pixels, columns }: { readonly pixels: number; readonly columns: number }) {
  return (
    // biome-ignore lint/a11y/noAriaHiddenOnFocusable: nothing in it takes the focus
    <tr aria-hidden="true">
      <td colSpan={columns} style={{ height: `${pixels}px`, padding: 0, border: 0 }} />
    </tr>
  );
}

/** When rows before the first one have left, what is looked at stays where it is. */
function useStillRows(scroller: { readonly current: HTMLElement | null }, passed: number): void {
  const before = useRef(passed);
  useLayoutEffect(() => {
    const { current } = scroller;
    if (current !== null) current.scrollTop = passed === 0 ? 0 : current.scrollTop - (passed - before.current) * rowPixels;
    before.current = passed;
  }, [passed]);
}
