/** Milliseconds of the processor that this thread took for `work`. How busy the machine is makes them no more. */
export function threadMs(work: () => void): number {
  const before = process.threadCpuUsage();
  work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
