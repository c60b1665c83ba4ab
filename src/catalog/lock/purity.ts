/** Proves that schemas and steps depend on the data alone: runs each sample under two clocks, zones, locales and environments, and with other chance. */
import type { Json } from "../../event/event.ts";
import { canonical, differences, equal } from "../canonical.ts";
import type { CheckedType } from "../check-definitions.ts";
import { describeSchema } from "../json-schema.ts";
import { callStep, StepFailure } from "../lift/call-step.ts";
import { isDropped, isSplit } from "../lift/step-result.ts";
import { changed, changesOf } from "./edges.ts";
import type { Finding } from "./finding.ts";
import { schemaNotPure, stepNotPure } from "./findings.ts";
import { payloadsOf } from "./payloads.ts";
import { lockedSchema } from "./record.ts";
import type { Shape } from "./shape.ts";
import { asStored, type LockSubject, type RealSample, readAs } from "./subject.ts";
import { elsewhere, home, inWorld } from "./worlds.ts";

/** The most edges of one version: enough for every limit that its JSON Schema and its usual values show. */
const maxPayloads = 200;
/** The most edges of all versions, because each edge is judged seven times. */
const maxCharacters = 100_000;
const maxDetails = 6;

/** Finds every version and step whose answer is not the same everywhere, and names what changed the answer. */
export function checkPurity({ types }: LockSubject, real: readonly RealSample[]): readonly Finding[] {
  return types.flatMap((type) => type.versions.flatMap((_, index) => checkVersion(type, index + 1, real)));
}

function checkVersion(type: CheckedType, version: number, real: readonly RealSample[]): readonly Finding[] {
  const payloads = payloadsFor(type, version, real);
  const { schema, step } = type.versions[version - 1]!;
  const judged = (): object => {
    const { plain, hidden } = describeSchema(type.type, version, schema);
    return { schema: plain, hidden, samples: payloads.map(([, data]) => readAs(type, version, data)) };
  };
  const schemaMoves = movesOf(judged);
  if (schemaMoves.length > 0) return [schemaNotPure(type.type, version, schemaMoves)];
  if (step === undefined) return [];
  const readable = payloads.flatMap(([name, data]) => {
    const reading = readAs(type, version, data);
    return reading.ok ? [[name, reading.data] as const] : [];
  });
  const lifted = (): object => ({
    samples: readable.map(([name, data]) => outcomeOf(callStep(step, structuredClone(data), asStored(type.type, version, name, data), "step"))),
  });
  const stepMoves = movesOf(lifted);
  return stepMoves.length === 0 ? [] : [stepNotPure(type.type, version, stepMoves)];
}

/** The version's samples, and the first of them with one place changed at a time. */
function payloadsFor(type: CheckedType, version: number, real: readonly RealSample[]): readonly (readonly [name: string, data: Json])[] {
  const shape = lockedSchema(type.versions[version - 1]!) as Shape;
  const made = [...payloadsOf(shape)];
  const [first] = made;
  const edges = first === undefined ? [] : changesOf(shape, first[1]).flatMap((change) => changed(first[1], change)?.data ?? []);
  const ours = real.filter((sample) => sample.type === type.type && sample.version === version).map(({ name, data }) => [name, data] as const);
  const all = [...ours, ...made, ...edges.map((data) => ["full", data] as const)].slice(0, maxPayloads);
  let left = maxCharacters;
  return all.filter(([, data], index) => (left -= JSON.stringify(data).length) > 0 || index === 0);
}

function outcomeOf(raised: unknown): unknown {
  if (raised instanceof StepFailure) return { error: raised.error.type };
  if (isDropped(raised)) return { dropped: raised.reason };
  if (isSplit(raised)) return { split: raised.parts };
  return { data: raised };
}

/** Lists how other worlds change the results of `run`, a line each; also that it asks for the clock or for chance, though no sample shows a difference. */
function movesOf(run: () => object): readonly string[] {
  const text = (): { readonly text: Json } => {
    try {
      return { text: canonical(run()) };
    } catch (error) {
      return { text: error instanceof Error ? error.name : "threw what is no Error" };
    }
  };
  const [here, again] = [inWorld(home, text), inWorld(home, text)];
  const moves: string[] = [];
  const tell = (what: string, other: Json): void => {
    if (!equal(here.result.text, other)) moves.push(...differences(here.result.text, other, 2).map((line) => `${what}: ${line}`));
  };
  tell("the same again", again.result.text);
  for (const [what, world] of elsewhere) tell(`with ${what}`, inWorld(world, text).result.text);
  if (moves.length === 0) for (const what of here.asked) moves.push(`it asks for ${what}, though no sample shows a difference`);
  return moves.slice(0, maxDetails);
}
