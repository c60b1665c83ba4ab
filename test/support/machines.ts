/** Machines of a test: network namespaces of this one, joined by a bridge, each at a wire of its own. What is cut, the kernel cuts, and nobody is told. */
import { execFileSync } from "node:child_process";
import { onTestFinished } from "vitest";

export interface Machine {
  readonly address: string;
  /** What stands before a command that is to run on it. */
  readonly inside: readonly string[];
  /** Its wire is pulled: nothing comes or goes. */
  pull(): void;
  /** What it sends to these is lost on the way, and nothing else. */
  mute(others: readonly Machine[]): void;
  heal(): void;
}

export interface Network {
  /** Where all machines reach this process. */
  readonly address: string;
  readonly machines: readonly Machine[];
}

/** Addresses that are kept for tests of networks (RFC 2544), so that none of them is in use here. */
const addressOf = (last: number): string => `198.18.${process.pid % 256}.${last}`;
/** A card that no machine has. */
const nobody = "02:00:00:00:00:01";

function ip(...args: readonly string[]): string {
  return execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

/** Why there can be no machines here; null: there can. */
export function whyNoMachines(): string | null {
  const probe = `reprise-probe-${process.pid}`;
  try {
    ip("netns", "add", probe);
    try {
      ip("-n", probe, "link", "add", "probe", "type", "veth", "peer", "name", "peer");
    } finally {
      ip("netns", "del", probe);
    }
    return null;
  } catch (error) {
    return `network namespaces cannot be made here (${String((error as Error).message).split("\n")[0]})`;
  }
}

let networks = 0;

export function makeNetwork(size: number): Network {
  const prefix = `rp${process.pid.toString(36)}${(networks++).toString(36)}`;
  const bridge = `${prefix}b`;
  const names = Array.from({ length: size }, (_, n) => `${prefix}-${n}`);
  onTestFinished(() => {
    for (const name of names) ip("netns", "del", name);
    ip("link", "del", bridge);
  });
  ip("link", "add", bridge, "type", "bridge");
  ip("addr", "add", `${addressOf(254)}/24`, "dev", bridge);
  ip("link", "set", bridge, "up");
  return { address: addressOf(254), machines: names.map((name, n) => plugIn(name, addressOf(n + 1), bridge)) };
}

function plugIn(name: string, address: string, bridge: string): Machine {
  const muted = new Set<string>();
  ip("netns", "add", name);
  ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
  ip("link", "set", name, "master", bridge, "up");
  ip("-n", name, "addr", "add", `${address}/24`, "dev", "eth0");
  for (const device of ["lo", "eth0"]) ip("-n", name, "link", "set", device, "up");
  return {
    address,
    inside: ["ip", "netns", "exec", name],
    pull: () => void ip("link", "set", name, "down"),
    mute(others) {
      for (const other of others) {
        ip("-n", name, "neigh", "replace", other.address, "lladdr", nobody, "dev", "eth0", "nud", "permanent");
        muted.add(other.address);
      }
    },
    heal() {
      ip("link", "set", name, "up");
      for (const other of muted) ip("-n", name, "neigh", "del", other, "dev", "eth0");
      muted.clear();
    },
  };
}
