/** The keyboard in a table: j, k and the arrows go from row to row, by the first link of each; x and the space bar choose the row. */
const steps: Readonly<Record<string, number>> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

export function moveInRows(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const table = event.currentTarget as HTMLElement;
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>("tbody tr");
  const box = row?.querySelector<HTMLElement>("input[type=checkbox]");
  if ((event.key === "x" || (event.key === " " && target.matches("a"))) && box) box.click();
  else if (!step(event.key, table, row)) return;
  event.preventDefault();
}

function step(key: string, table: HTMLElement, row: HTMLElement | null): boolean {
  const by = steps[key];
  if (by === undefined) return false;
  const links = Array.from(table.querySelectorAll("tbody tr"), (each) => each.querySelector("a")).filter((link) => link !== null);
  const at = links.findIndex((link) => link.closest("tr") === row);
  const next = links[at === -1 ? 0 : at + by];
  next?.focus();
  return next !== undefined;
}
