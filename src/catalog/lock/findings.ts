import type { Finding } from "./finding.ts";
import { filed, lockIt, rewrite, samplesFolder, schemaFile, stepFile } from "./remedies.ts";

export function missingLock(path: string): Finding {
  return {
    rule: "lock-missing",
    type: null,
    version: null,
    message: `There is no lock file ${path}.`,
    details: [],
    remedy: "Run `reprise schema lock` once, look at what it wrote, and commit it.",
  };
}

export function unreadableLock(path: string, why: string): Finding {
  return {
    rule: "lock-unreadable",
    type: null,
    version: null,
    message: `${path} cannot be used: ${why}.`,
    details: [],
    remedy: `Put it back as it was committed (git checkout -- ${path}), then run \`reprise schema lock\`, which adds what is new. After a merge conflict, take one side whole, then lock.`,
  };
}

export function configDoesNotLoad(why: string): Finding {
  return {
    rule: "config-does-not-load",
    type: null,
    version: null,
    message: why,
    details: [],
    remedy: why.includes("cannot be found")
      ? "When a file of a schema version or of a step is missing: put it back (git checkout -- <file>). Stored events of old versions need every version and every step for ever; a newer version is added beside them, never in their place."
      : "Correct the file that this names: nothing can be checked until the config loads.",
  };
}

export function configInvalid(why: string, remedy: string): Finding {
  return { rule: "config-invalid", type: null, version: null, message: why, details: [], remedy };
}

export function chainGap(type: string, from: number, wasLocked: boolean): Finding {
  return {
    rule: "chain-gap",
    type,
    version: from,
    message: `${type} has no step from version ${from} to ${from + 1}, so stored events of version ${from}${from > 1 ? " and older" : ""} can no longer be read.`,
    details: [],
    remedy: wasLocked
      ? `The step was there when the lock was written: put it back into \`defineUpcasters\` (${filed(stepFile(type, from))}, and its line in that folder's index.ts). A step stays as long as the log holds an event of version ${from} or older; \`reprise schema census --log …\` tells.`
      : `Write the step, a pure function from version ${from} to ${from + 1}, and list it in \`defineUpcasters\` under ${from} (${filed(stepFile(type, from))}, and \`${from}: v${from}ToV${from + 1}\` in that folder's index.ts). Then ${lockIt}.`,
  };
}

export function typeDisappeared(type: string): Finding {
  return {
    rule: "type-disappeared",
    type,
    version: null,
    message: `The lock has event type ${type}; the config does not.`,
    details: [],
    remedy: `Put its definition back into \`events\`. If it was renamed, say \`{ formerly: ["${type}"] }\` in the definition with the new name. If the event no longer happens, keep the type and add a version whose step drops it. Only if no log holds one of its events: ${rewrite(type, null)}.`,
  };
}

export function versionDisappeared(type: string, version: number): Finding {
  return {
    rule: "version-disappeared",
    type,
    version,
    message: `The lock has version ${version} of ${type}; the config does not.`,
    details: [],
    remedy: `Put version ${version} back into \`defineEvent\`, and its steps (${filed(schemaFile(type, version))}, with its line in that folder's index.ts). A version that was ever stored stays for ever. Only if no log holds an event of it: ${rewrite(type, version)}.`,
  };
}

export function formerNameDisappeared(type: string, name: string): Finding {
  return {
    rule: "former-name-disappeared",
    type,
    version: null,
    message: `${type} was formerly called ${name}, and its definition does not say so any more: events stored as ${name} can no longer be read.`,
    details: [],
    remedy: `Put "${name}" back into \`formerly\` of ${type}. Only if no log holds an event of that name: ${rewrite(type, null)}.`,
  };
}

export function publishedVersionChanged(type: string, version: number, newest: number, details: readonly string[]): Finding {
  const next = newest + 1;
  return {
    rule: "published-version-changed",
    type,
    version,
    message: `Version ${version} of ${type} differs from the published one.`,
    details,
    remedy: `A published version never changes: add version ${next} and a step ${newest} → ${next} (${filed(`${schemaFile(type, next)}, ${stepFile(type, newest)}`)}), and put version ${version} back as it was (${filed(`git checkout -- ${schemaFile(type, version)}`)}). Only if version ${version} was never deployed: ${rewrite(type, version)}.`,
  };
}

export function checkEdited(type: string, version: number, details: readonly string[]): Finding {
  return {
    rule: "check-edited",
    type,
    version,
    message: `Nobody can tell whether version ${version} of ${type} judges as before: the code of a check has changed, though every sample is still judged the same.`,
    details,
    remedy: `If it judges every payload as before, ${lockIt}. If it has to judge some payload differently, add a new version and put this one back.`,
  };
}

export function stepResultChanged(type: string, from: number, details: readonly string[]): Finding {
  return {
    rule: "step-result-changed",
    type,
    version: from,
    message: `The step ${from} → ${from + 1} of ${type} gives another result for recorded samples than before.`,
    details,
    remedy: `Put the step back as it was (${filed(`git checkout -- ${stepFile(type, from)}`)}). If the old result was a mistake and the new one is meant, know that handlers and views then see old events differently: ${rewrite(type, from)}, and commit the lock file with the correction.`,
  };
}

export function stepEdited(type: string, from: number): Finding {
  return {
    rule: "step-edited",
    type,
    version: from,
    message: `Nobody can tell whether the step ${from} → ${from + 1} of ${type} works as before: its code has changed, though every sample still becomes the same.`,
    details: [],
    remedy: `If the step still gives the same result for every payload, ${lockIt}. If it has to give another result for some payload, put such a payload into ${samplesFolder(type, from)} first: the lock then shows its result before and after the change.`,
  };
}

export function stepNotPure(type: string, from: number, details: readonly string[]): Finding {
  return {
    rule: "step-not-pure",
    type,
    version: from,
    message: `The step ${from} → ${from + 1} of ${type} does not depend on its payload alone.`,
    details,
    remedy:
      "A step may use its two arguments only: no clock, no random number, no counter, and no time zone, locale or environment of the machine. Take a time from the event (`event.recordedAt`), and null for what the old version did not hold.",
  };
}

export function schemaNotPure(type: string, version: number, details: readonly string[]): Finding {
  return {
    rule: "schema-not-pure",
    type,
    version,
    message: `Version ${version} of ${type} does not depend on its payload alone.`,
    details,
    remedy:
      "A schema may use the payload only: no clock, no random number, no counter, and no time zone, locale or environment of the machine, neither in a refinement nor in a default. Let the producer send the value, or let the handler decide by the event's times.",
  };
}

export function downcastChanged(type: string, version: number, details: readonly string[]): Finding {
  return {
    rule: "downcast-changed",
    type,
    version,
    message: `The downcast of ${type} stores something else for recorded samples of version ${version} than before.`,
    details,
    remedy: `Put the downcast back as it was. If the new one is meant, know that events stored from now on differ from those before: ${rewrite(type, version)}, and commit the lock file with it.`,
  };
}

export function downcastEdited(type: string, version: number): Finding {
  return {
    rule: "downcast-edited",
    type,
    version,
    message: `Nobody can tell whether the downcast of ${type} from version ${version} works as before: its code has changed, though it stores the same for every sample.`,
    details: [],
    remedy: `If it stores the same for every payload as before, ${lockIt}.`,
  };
}

export function zodReworded(type: string, version: number, was: string, is: string, details: readonly string[]): Finding {
  return {
    rule: "zod-reworded",
    type,
    version,
    message: `Nobody can tell whether zod ${is} judges version ${version} of ${type} as zod ${was} did: it writes the schema in other words, though every sample is judged the same.`,
    details,
    remedy: `Run \`reprise schema check --log <log>\` over a log of real events: when every event is read, ${lockIt}. When one is not, keep zod ${was}, or spell the rule out in a new version.`,
  };
}

export function sampleChanged(type: string, version: number, name: string, details: readonly string[]): Finding {
  return {
    rule: "sample-changed",
    type,
    version,
    message: `The sample ${name} of ${type} version ${version} differs from the recorded one.`,
    details,
    remedy: `Put the file back as it was, and add the new payload as a file of its own. If the old one is not wanted any more: ${rewrite(type, version)}.`,
  };
}

export function sampleDisappeared(type: string, version: number, name: string): Finding {
  return {
    rule: "sample-disappeared",
    type,
    version,
    message: `The sample ${name} of ${type} version ${version} was recorded, and its file is gone.`,
    details: [],
    remedy: `Put the file back. If it is not wanted any more: ${rewrite(type, version)}.`,
  };
}

export function sampleRefused(type: string, version: number, name: string, why: string): Finding {
  return {
    rule: "sample-refused",
    type,
    version,
    message: `The sample ${name} of ${type} version ${version} cannot be read: ${why}.`,
    details: [],
    remedy: `If it was really stored as version ${version}, the schema or the step is wrong: correct that. If it was not, move the file to the version that it has.`,
  };
}

export function lockEdited(type: string, version: number): Finding {
  return {
    rule: "lock-edited",
    type,
    version,
    message: `The lock's entry for ${type} version ${version} was changed by hand: its fingerprint is not that of the schema beside it.`,
    details: [],
    remedy: "Put the lock file back as it was committed. Only `reprise schema lock` changes it.",
  };
}

export function notLocked(type: string, details: readonly string[]): Finding {
  return {
    rule: "not-locked",
    type,
    version: null,
    message: `${type} has something that the lock file does not have yet.`,
    details,
    remedy: `If it is ready to be published, ${lockIt}. From then on it cannot change unnoticed.`,
  };
}
