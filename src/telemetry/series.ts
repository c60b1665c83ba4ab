/**
 * Counts and durations as they are kept: plain numbers, so that counting costs some nanoseconds. The page is made of them when it is asked for. Each
 * combination of label values is a cell of its own; whoever counts often keeps the cell.
 */

export type Labels = Readonly<Record<string, string>>;

/** One line of the page. `suffix` stands behind the name: `_bucket`, `_sum`, `_count`. */
export interface Sample {
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

interface Named {
  readonly name: string;
  readonly help: string;
  /** Only of sets that are known: names of the config, of routes, of states. */
  readonly labels: readonly string[];
}

export class Cells<C> {
  readonly #made = new Map<string, { readonly labels: Labels; readonly cell: C }>();
  readonly #labels: readonly string[];
  readonly #make: () => C;

  constructor(labels: readonly string[], make: () => C) {
    this.#labels = labels;
    this.#make = make;
  }

  /** @param values of the labels, in their order. */
  of(...values: readonly string[]): C {
    const key = values.join("\n");
    let made = this.#made.get(key);
    if (made === undefined) {
      made = { labels: Object.fromEntries(this.#labels.map((label, index) => [label, values[index]!])), cell: this.#make() };
      this.#made.set(key, made);
    }
    return made.cell;
  }

  all(): readonly { readonly labels: Labels; readonly cell: C }[] {
    return [...this.#made.values()];
  }
}

export class Count {
  value = 0;

  add(count = 1): void {
    this.value += count;
  }
}

export class Counter {
  readonly #named: Named;
  readonly #cells: Cells<Count>;

  constructor(named: Named) {
    this.#named = named;
    this.#cells = new Cells(named.labels, () => new Count());
  }

  of(...values: readonly string[]): Count {
    return this.#cells.of(...values);
  }

  family(): Family {
    const { name, help } = this.#named;
    return { name, help, type: "counter", samples: this.#cells.all().map(({ labels, cell }) => ({ labels, value: cell.value })) };
  }
}

/** How often something took up to so many seconds. */
export class Durations {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(seconds: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += seconds;
  }

  samples(labels: Labels): readonly Sample[] {
    let upTo = 0;
    const buckets = this.#counts.map((count, bucket): Sample => {
      upTo += count;
      return { suffix: "_bucket", labels: { ...labels, le: boundText(this.#bounds[bucket]) }, value: upTo };
    });
    return [...buckets, { suffix: "_sum", labels, value: this.#sum }, { suffix: "_count", labels, value: upTo }];
  }
}

/** OpenMetrics writes a bound as a floating-point number, and a server that reads now this text and now the other must find the same series. */
function boundText(bound: number | undefined): string {
  if (bound === undefined) return "+Inf";
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

export class Histogram {
  readonly #named: Named;
  readonly #cells: Cells<Durations>;

  /** @param bounds in seconds, ascending. */
  constructor(named: Named, bounds: readonly number[]) {
    this.#named = named;
    this.#cells = new Cells(named.labels, () => new Durations(bounds));
  }

  of(...values: readonly string[]): Durations {
    return this.#cells.of(...values);
  }

  family(): Family {
    const { name, help } = this.#named;
    return { name, help, type: "histogram", samples: this.#cells.all().flatMap(({ labels, cell }) => cell.samples(labels)) };
  }
}
