/** What `reprise doctor` found about one thing. */
export interface Checked {
  readonly check: "config" | "catalog" | "keys" | "log" | "writable" | "sync" | "clock" | "disk" | "service" | "views";
  readonly state: "ok" | "warning" | "failed" | "not checked";
  readonly detail: string;
  /** What to do; null where nothing has to be done. */
  readonly fix: string | null;
}

export const ok = (check: Checked["check"], detail: string): Checked => ({ check, state: "ok", detail, fix: null });
export const warning = (check: Checked["check"], detail: string, fix: string): Checked => ({ check, state: "warning", detail, fix });
export const failed = (check: Checked["check"], detail: string, fix: string): Checked => ({ check, state: "failed", detail, fix });
export const notChecked = (check: Checked["check"], detail: string): Checked => ({ check, state: "not checked", detail, fix: null });
