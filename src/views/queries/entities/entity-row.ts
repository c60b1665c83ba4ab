export interface EntityRow {
  readonly id: number;
  readonly stream: string;
  readonly revision: number;
  readonly recorded_ms: number;
}
