/** @file Timing several tasks against each other. */

/** Median time of each in ms, the rounds interleaved so that a busy machine slows all alike; the first round warms up. */
export async function interleave(tasks: readonly (() => Promise<unknown>)[], rounds: number): Promise<number[]> {
  const timed = tasks.map((task) => async () => {
    const start = performance.now();
    await task();
    return performance.now() - start;
  });
  return interleaveTimed(timed, rounds);
}

/** The same for tasks that say themselves how many ms they took. */
export async function interleaveTimed(tasks: readonly (() => Promise<number>)[], rounds: number): Promise<number[]> {
  const times = tasks.map(() => [] as number[]);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, task] of tasks.entries()) {
      const ms = await task();
      if (round > 0) times[i]!.push(ms);
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[all.length >> 1]!);
}
