/** The service itself, if one answers: whether it does its work, and whether its views have caught up. */
import type { Client } from "../client.ts";
import { exit, Failure } from "../exit.ts";
import { type Checked, failed, notChecked, ok, warning } from "./finding.ts";

interface Ready {
  readonly waits_for: string | null;
  readonly warnings: readonly string[];
}

export async function checkService(client: Client, url: string): Promise<readonly Checked[]> {
  try {
    const { waits_for: waitsFor, warnings } = await client.ready<Ready>();
    if (waitsFor !== null)
      return [
        failed(
          "service",
          `The service at ${url} is not ready: ${waitsFor}.`,
          "GET /readyz tells when that has passed; docs/operating.md says what each reason asks for.",
        ),
        notChecked("views", "The service is not ready."),
      ];
    const service =
      warnings.length === 0
        ? ok("service", `The service at ${url} is ready.`)
        : warning("service", warnings.join(" "), "docs/operating.md says what each warning asks for.");
    return [service, await checkViews(client)];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.exitCode === exit.unreachable) return [notChecked("service", `No service answers at ${url}.`), notChecked("views", "No service answers.")];
    return [
      failed("service", error.message.split("\n", 2).join(": "), "Name a key with --key or REPRISE_KEY, and the right address with --url."),
      notChecked("views", "The service refused to say."),
    ];
  }
}

/** Any GET that names a position waits until the views have reached it; the newest one is that of the log's end. */
async function checkViews(client: Client): Promise<Checked> {
  try {
    const { events } = await client.get<{ readonly events: readonly { readonly position: string }[] }>("/events", { limit: "1" });
    if (events[0] !== undefined) await client.get("/handlers", { after: events[0].position });
    return ok("views", "The views have caught up with the log.");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return warning("views", error.message.split("\n", 2).join(": "), "They catch up by themselves; if they do not, `reprise views rebuild` makes them anew.");
  }
}
