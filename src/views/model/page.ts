/** `cursor` is opaque, from the page before; a malformed one is REQUEST_INVALID. */
export interface PageOptions {
  readonly limit: number;
  readonly cursor?: string;
}
