/** The events of `reprise.request-<id>`: one tenant's, API key's, route's and Idempotency-Key's requests. None of them can be read from it, nor can a body. */
export interface RequestStreamData {
  /** Stored before anything of the request is done. */
  "request.begun": {
    /** In the records of what the request does: they tell, after an end of the process, whether it was done. */
    readonly actId: string;
    /** SHA-256 of what is asked for, in hexadecimal digits. */
    readonly asks: string;
    /** Id of the process that does it. */
    readonly life: string;
    /** Of the first try, where an earlier process had begun, and nobody knows what became of it. */
    readonly first?: { readonly position: string; readonly at: string };
  };
  /** The answer, in parts where it is large. */
  "request.answered": {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    /** From 0. */
    readonly part: number;
    readonly parts: number;
  };
  /** With the last part: now the answer counts. A server keeps a stream's last event for good, so that it should be one that says nothing. */
  "request.closed": Record<string, never>;
}

/** The events of `reprise.requests`. */
export interface ForgottenStreamData {
  /** Requests up to this position of the log are forgotten, or were never there. */
  "requests.forgotten": { readonly through: string };
}
