import { readFileSync } from "node:fs";

/**
 * The largest resident memory of this process so far, in MB. Linux gives a new process's own peak only in /proc: `maxRSS` of `process.resourceUsage()` begins
 * at the peak of the process that started it.
 */
export function peakMemoryMb(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS / 1024;
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]) / 1024;
}
