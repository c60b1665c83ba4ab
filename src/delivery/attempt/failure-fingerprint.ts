/** The fingerprint of a call that failed: the handler's own, where it makes one, else that of how and where it failed. */
import type { CurrentEvent } from "../../event/event.ts";
import { isA, textAt } from "../../event/thrown.ts";
import type { AttemptClass, AttemptError } from "../../records/attempt.ts";
import { fingerprintOf, maxFingerprintChars } from "../../records/fingerprint/fingerprint.ts";
import type { HandlerSpec } from "../handler-spec.ts";
import { clipChars } from "./attempt-error.ts";
import { freezeEvent } from "./freeze-event.ts";
import { ownFrame } from "./own-frame.ts";

export interface CallFailure {
  readonly class: AttemptClass;
  readonly error: AttemptError;
  /** What a function threw; left out where nothing was thrown. */
  readonly thrown?: unknown;
  readonly httpStatus?: number;
  readonly responseHead?: string;
}

/** Never throws, whatever the handler's own function does. */
export function fingerprintOfCall({ name, definition }: Pick<HandlerSpec, "name" | "definition">, event: CurrentEvent, failure: CallFailure): string {
  const own = definition.fingerprint === undefined ? null : ownFingerprint(definition.fingerprint, event, failure);
  if (own !== null) return own;
  const { thrown } = failure;
  const stack = thrown === undefined ? undefined : textAt(thrown, "stack");
  const frame = stack === undefined ? null : ownFrame(stack, textAt(thrown, "message"));
  return fingerprintOf(name, failure, { frame, ids: idsOf(event) });
}

type MakeFingerprint = NonNullable<HandlerSpec["definition"]["fingerprint"]>;

function ownFingerprint(make: MakeFingerprint, event: CurrentEvent, { error, thrown }: CallFailure): string | null {
  try {
    freezeEvent(event); // the call may be repeated with it
    const given: unknown = make(isA(Error, thrown) ? thrown : Object.assign(new Error(error.message), { name: error.type }), event);
    const fingerprint = typeof given === "string" ? clipChars(given.trim(), maxFingerprintChars) : "";
    return fingerprint === "" ? null : fingerprint;
  } catch {
    return null;
  }
}

const maxMembers = 100;

/** What is an id in this event, whatever it looks like: its own and its entity's, and what members such as `orderId` hold. */
function idsOf({ id, entity, metadata, data }: CurrentEvent): readonly string[] {
  const named = typeof data === "object" && data !== null ? Object.entries(data).slice(0, maxMembers) : [];
  const inData = named.flatMap(([name, value]) => (/(?:^id|Id|_id)$/.test(name) && typeof value === "string" ? [value] : []));
  const all = [id, entity.id, metadata.correlationId, ...inData].filter((one) => one !== undefined);
  return [...new Set(all)].sort((a, b) => b.length - a.length); // one may be a part of another
}
