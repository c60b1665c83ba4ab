/** Rendezvous hashing: each partition has an order of its own over all instances, so that one that comes or goes changes the place of few others. */

/** Whole numbers only, because all instances have to come to the same order, whatever builds and machines they are. */
function mixed(text: string): number {
  let hash = 0x811c9dc5;
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The instances in the order in which they suit the partition. */
export function byPreference(key: string, instances: readonly string[]): readonly string[] {
  const scores = new Map(instances.map((instance) => [instance, mixed(`${key} ${instance}`)]));
  return instances.toSorted((a, b) => scores.get(b)! - scores.get(a)! || (a < b ? -1 : 1));
}
