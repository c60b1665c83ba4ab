/**
 * The effects ledger (DELIVERY §5): what a handler did to the outside for one event, under keys of its own. One stream for each handler and event, one
 * event for each effect that succeeded, stored before `context.effect` returns. What happened between an effect and its record is in nobody's record:
 * there, and only there, it can run twice.
 */
import { isLogTrouble, isRepriseError } from "../../errors.ts";
import { type Clock, pause } from "../../event/clock.ts";
import type { CurrentEvent, Json } from "../../event/event.ts";
import type { NewId } from "../../event/ids.ts";
import { effectsStream, streamName } from "../../event/names.ts";
import type { EventLog } from "../../log/event-log.ts";
import type { EffectsStreamData } from "../../records/effects.ts";
import { ownEvent } from "../../records/own-event.ts";
import { clipChars } from "../attempt/attempt-error.ts";
import { Terminal } from "../handler.ts";
import type { ReplayMode } from "../replay-mode.ts";

const maxKeyChars = 256;
export const maxResultBytes = 64 * 1024;
/** Keys of one event for one handler: all its results are read at once. */
export const maxEffects = 256;
/** After trouble with the log: doubling from the first wait to the last, until the attempt's time is up. */
const firstWaitMs = 100;
const lastWaitMs = 5000;
/** How often an append may meet something that was written meanwhile: nobody else should write there. */
const maxConflicts = 10;

export interface EffectsOptions {
  readonly handler: string;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly newId: NewId;
}

/** One attempt, as far as its effects are concerned. */
export interface EffectsOf {
  readonly event: CurrentEvent;
  /** Something may be on record: the event was called before, or may have been. Without it nothing is read. */
  readonly mayBeRecorded: boolean;
  readonly replay: ({ readonly id: string } & ReplayMode) | null;
  /** Counts all calls of the delivery. */
  readonly attempt: number;
}

/** Of a dry run: an effect that was asked for, and not run. `recorded`: its result was on record and was given. */
export interface AskedEffect {
  readonly key: string;
  readonly recorded: boolean;
}

export interface EffectScope {
  /** @param signal of the attempt: once it has aborted the log is waited for no longer. */
  run<T>(key: string, effect: () => Promise<T> | T, signal: AbortSignal): Promise<T>;
  /** Of a dry run, in the order asked; of others empty. */
  asked(): readonly AskedEffect[];
  /** The attempt is over. */
  close(): void;
}

/** One effect on record. */
interface RecordedEffect {
  readonly result: Json | undefined;
  readonly replayId: string | null;
}

/** What this process knows of one stream of effects, while anyone uses it. */
interface Ledger {
  readonly stream: string;
  /** By part and key, oldest first. Null until it was read. */
  known: Map<string, RecordedEffect[]> | null;
  /** Last revision of the stream; −1: there is none. */
  revision: number;
  count: number;
  reading: Promise<void> | null;
  /** Appends go one after another. */
  appending: Promise<unknown>;
  /** Effects under way, by part, key and, where it runs again, replay: all who ask for one share it. */
  readonly running: Map<string, Promise<Json | undefined>>;
  /** Scopes that are open. */
  users: number;
}

export interface Effects {
  open(of: EffectsOf): EffectScope;
}

export function makeEffects({ handler, log, clock, newId }: EffectsOptions): Effects {
  const ledgers = new Map<string, Ledger>();

  function use(stream: string, mayBeRecorded: boolean): Ledger {
    let ledger = ledgers.get(stream);
    if (ledger === undefined) {
      const known = mayBeRecorded ? null : new Map<string, RecordedEffect[]>();
      ledger = { stream, known, revision: -1, count: 0, reading: null, appending: Promise.resolve(), running: new Map(), users: 0 };
      ledgers.set(stream, ledger);
    }
    ledger.users++;
    return ledger;
  }

  function leave(ledger: Ledger): void {
    if (ledger.users === 0 && ledger.running.size === 0) ledgers.delete(ledger.stream);
  }

  /** Reads the stream, once for all who want it. */
  function read(ledger: Ledger): Promise<void> {
    ledger.reading ??= (async () => {
      const known = new Map<string, RecordedEffect[]>();
      let revision = -1;
      let count = 0;
      for await (const batch of log.readStream(ledger.stream))
        for (const event of batch) {
          const { part, key, result, replayId } = event.data as unknown as EffectsStreamData["effect.recorded"];
          const name = nameOf(part ?? null, key);
          known.set(name, [...(known.get(name) ?? []), { result, replayId: replayId ?? null }]);
          revision = event.revision;
          count++;
        }
      Object.assign(ledger, { known, revision, count });
    })().finally(() => {
      ledger.reading = null;
    });
    return ledger.reading;
  }

  /** Stores a result, or finds the one that was stored meanwhile. @throws LOG_UNAVAILABLE, LOG_FULL when the attempt's time is up before that. */
  async function record(
    ledger: Ledger,
    data: EffectsStreamData["effect.recorded"],
    recorded: () => RecordedEffect | undefined,
    signal: AbortSignal,
  ): Promise<Json | undefined> {
    const event = ownEvent(newId, "effect.recorded", data);
    let conflicts = 0;
    for (let failures = 0; ; ) {
      try {
        const [appended] = await log.append(ledger.stream, [event], ledger.revision === -1 ? "none" : ledger.revision);
        const name = nameOf(data.part ?? null, data.key);
        ledger.known!.set(name, [...(ledger.known!.get(name) ?? []), { result: data.result, replayId: data.replayId ?? null }]);
        ledger.revision = Math.max(ledger.revision, appended!.revision);
        ledger.count++;
        return data.result;
      } catch (error) {
        if (isRepriseError(error, "REVISION_CONFLICT") && conflicts++ < maxConflicts) {
          await read(ledger);
          const found = recorded();
          if (found !== undefined) return found.result;
        } else if (isLogTrouble(error) && !signal.aborted) await pause(Math.min(firstWaitMs * 2 ** failures++, lastWaitMs), clock, signal);
        else throw error;
      }
    }
  }

  return {
    open({ event, mayBeRecorded, replay, attempt }) {
      const lane = streamName(event.tenant, event.entity);
      const eventId = event.origin?.id ?? event.id;
      const part = event.origin?.part ?? null;
      const again = replay?.effects === "again" ? replay.id : null;
      const isDry = replay?.mode === "dry_run";
      const asked: AskedEffect[] = [];
      let ledger: Ledger | null = null; // most handlers have no effects
      let closed = false;

      async function run(key: string, effect: () => unknown, signal: AbortSignal): Promise<unknown> {
        if (typeof key !== "string" || key === "" || key.length > maxKeyChars || !key.isWellFormed())
          throw new Terminal(`an effect's key is a text of 1 to ${maxKeyChars} characters`);
        if (typeof effect !== "function") throw new Terminal(`effect "${show(key)}": the second argument is the function that does it`);
        if (closed || signal.aborted) throw refused(key);
        ledger ??= use(effectsStream(handler, lane, event.revision), mayBeRecorded || replay !== null);
        const mine = ledger;
        const name = nameOf(part, key);
        // What was done again, by an operator's decision, is the newest truth.
        const recorded = (): RecordedEffect | undefined => mine.known?.get(name)?.findLast(({ replayId }) => again === null || replayId === again);
        if (mine.known === null) await read(mine);
        if (closed || signal.aborted) throw refused(key); // the reading took its time
        const known = recorded();
        if (isDry) asked.push({ key, recorded: known !== undefined });
        if (known !== undefined || isDry) return known?.result;
        const place = JSON.stringify([part, key, again]);
        let running = mine.running.get(place);
        if (running === undefined) {
          if (mine.count + mine.running.size >= maxEffects) throw new Terminal(`effect "${show(key)}": one event has at most ${maxEffects} effects`);
          running = perform(mine, key, effect, recorded, signal).finally(() => {
            mine.running.delete(place);
            leave(mine);
          });
          running.catch(() => {}); // each who asked is told
          mine.running.set(place, running);
        }
        return running;
      }

      async function perform(
        mine: Ledger,
        key: string,
        effect: () => unknown,
        recorded: () => RecordedEffect | undefined,
        signal: AbortSignal,
      ): Promise<Json | undefined> {
        const result = toJson(await effect(), key);
        const data: EffectsStreamData["effect.recorded"] = {
          ...{ handler, lane, revision: event.revision, eventId, key, attempt },
          ...(part === null ? {} : { part }),
          ...(result === undefined ? {} : { result }),
          ...(replay === null ? {} : { replayId: replay.id }),
        };
        const turn = mine.appending.then(() => record(mine, data, recorded, signal));
        mine.appending = turn.catch(() => {});
        return turn;
      }

      return {
        run: (key, effect, signal) => run(key, effect, signal) as Promise<never>,
        asked: () => asked,
        close() {
          if (closed) return;
          closed = true;
          if (ledger === null) return;
          ledger.users--;
          leave(ledger);
        },
      };
    },
  };
}

const nameOf = (part: number | null, key: string): string => `${part ?? ""}\n${key}`;

function refused(key: string): Error {
  const error = new Error(`effect "${show(key)}" was not run: the attempt is over`);
  error.name = "EffectRefused";
  return error;
}

/** What JSON makes of a result, which is what every later attempt gets; so the first one gets it too. The effect is done: a fault here must not have it run again. */
function toJson(result: unknown, key: string): Json | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(result);
  } catch {
    throw new Terminal(`effect "${show(key)}" ran, but its result is no JSON: return an id or a plain object`);
  }
  if (text === undefined) {
    if (result === undefined) return undefined;
    throw new Terminal(`effect "${show(key)}" ran, but its result is no JSON: return an id or a plain object`);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > maxResultBytes)
    throw new Terminal(
      `effect "${show(key)}" ran, but its result has ${bytes} bytes of JSON, more than ${maxResultBytes}: return an id and keep the rest elsewhere`,
    );
  return JSON.parse(text) as Json;
}

const show = (key: string): string => clipChars(key, 80);
