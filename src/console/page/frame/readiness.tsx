/** Whether the service can do its work: told on every view, because whoever waits for a letter does not look at the overview. */
import type { ReadyReply } from "../../../http/wire/service.ts";
import { ask } from "../base/api.ts";
import { useLive } from "../base/live.ts";
import { Text } from "../parts/text.tsx";

export function Readiness() {
  const live = useLive<ReadyReply>("ready", () => ask<ReadyReply>(["readyz"]), { isCalm: true, isEager: ({ status }) => status !== "ready" });
  const ready = live.data.value;
  if (ready === null) return null;
  return (
    <>
      {ready.status !== "ready" && (
        <p class="notice bad">
          <strong>The service is not ready.</strong> It waits for: <Text of={ready.waits_for ?? "nothing that it names"} max={1000} />. It is asked again every
          few seconds; what you typed stays.
        </p>
      )}
      {ready.warnings.slice(0, 5).map((warning) => (
        <p key={warning} class="notice">
          <Text of={warning} max={1000} />
        </p>
      ))}
    </>
  );
}
