const names = ["SIGTERM", "SIGINT"] as const;

/** That a command which works by itself is to end: SIGTERM, or Ctrl-C. */
export interface HeardStop {
  readonly signal: AbortSignal;
  /** The command has ended: from now on these signals do what they do by default. */
  forget(): void;
}

/** @param second what a second one does: it ends the process at once, or nothing, because something has to be put away first. */
export function hearStop(second: "kills" | "waits"): HeardStop {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  for (const name of names) {
    if (second === "kills") process.once(name, stop);
    else process.on(name, stop);
  }
  return {
    signal: stopped.signal,
    forget() {
      for (const name of names) process.off(name, stop);
    },
  };
}
