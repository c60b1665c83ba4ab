/** What is done with a handler: pause and resume, retire one that the config has no more, repair one whose journal somebody else wrote into. */
import type { HandlersReply } from "../../../http/wire/service.ts";
import { ask } from "../base/api.ts";
import type { Live } from "../base/live.ts";
import { plural, words } from "../base/shown-text.ts";
import { FoldedAct } from "../parts/act.tsx";

type Handler = HandlersReply["handlers"][number];

const acts = {
  pause: { name: "Pause", says: "It is called no more until it is resumed; what runs ends.", isFinal: false },
  resume: { name: "Resume", says: "It goes on where it was.", isFinal: false },
  repair: { name: "Repair", says: "Skips, on record, what another program wrote into its journal, and lets it work again.", isFinal: true },
} as const;

const verbOf: Readonly<Record<string, keyof typeof acts>> = { running: "pause", paused: "resume", stopped: "repair" };

export function HandlerActs({ handler: { name, state, waiting }, live }: { readonly handler: Handler; readonly live: Live<HandlersReply> }) {
  if (state === "absent")
    return (
      <FoldedAct
        {...{ name: "Retire", about: name, draft: `retire ${name}`, count: waiting, mustSayWhy: true, isFinal: true }}
        says={`The config has it no more. Discards, for good, the ${plural(waiting, "event")} that wait for it; it is shown no more.`}
        command={(reason) => ["handlers", "retire", name, "--reason", reason]}
        run={({ reason, onceKey }) => actOn(["handlers", name, "retire"], reason, onceKey, live)}
      />
    );
  const verb = verbOf[state];
  if (verb === undefined) return null;
  return (
    <FoldedAct
      key={verb}
      {...{ ...acts[verb], about: name, draft: `${verb} ${name}`, mustSayWhy: acts[verb].isFinal }}
      command={(reason) => ["handlers", verb, name, "--reason", reason]}
      run={({ reason, onceKey }) => actOn(["handlers", name, verb], reason, onceKey, live)}
    />
  );
}

export async function actOn(path: readonly string[], reason: string | undefined, onceKey: string, live: { refresh(): Promise<void> }): Promise<string> {
  const acted = await ask<{ readonly state: string }>(path, { method: "POST", body: reason === undefined ? {} : { reason }, onceKey });
  await live.refresh();
  return `It is ${words(acted.state)}.`;
}
