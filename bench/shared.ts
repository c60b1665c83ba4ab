interface Scene {
  close(): Promise<void>;
}

const closes: (() => Promise<void>)[] = [];

/** A scene that several benchmarks look at: opened when the first of them is prepared, closed after the last. All ask for the same scale. */
export function shared<S extends Scene>(open: (scale: number) => Promise<S>): (scale: number) => Promise<S> {
  let opened: Promise<S> | null = null;
  return (scale) => {
    if (opened === null) {
      opened = open(scale);
      const scene = opened;
      closes.push(async () => (await scene).close());
    }
    return opened;
  };
}

export async function closeShared(): Promise<void> {
  for (const close of closes.splice(0)) await close().catch(() => {}); // whoever asked for the scene has reported why it could not be opened
}
