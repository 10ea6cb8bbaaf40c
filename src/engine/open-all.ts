/** @file What holds the engine's memory, opened together: all of it or none. */

interface Held {
  dispose(): Promise<void>;
}

export interface OpenAll<T extends readonly Held[]> {
  readonly opened: T;
  /** Gives all of it back. */
  dispose(): Promise<void>;
}

/**
 * Opens one after the other; where one fails, those before it are given back.
 *
 * @throws what the one that fails throws
 */
export async function openAll<const T extends readonly Held[]>(
  openings: {
    readonly [K in keyof T]: () => Promise<T[K]>;
  },
): Promise<OpenAll<T>> {
  const opened: Held[] = [];
  const dispose = async () => {
    await Promise.all(opened.map((one) => one.dispose()));
  };
  for (const open of openings as readonly (() => Promise<Held>)[]) {
    try {
      opened.push(await open());
    } catch (error) {
      await dispose();
      throw error;
    }
  }
  return { opened: opened as unknown as T, dispose };
}
