/** Lines of one finding. */
const maxDetails = 20;

export function bounded(lines: readonly string[]): readonly string[] {
  return lines.length <= maxDetails ? lines : [...lines.slice(0, maxDetails), `and ${lines.length - maxDetails} more`];
}
