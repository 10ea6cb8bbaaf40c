/** @file The interval of a share. */

/** The 95 % interval of a share of n. @source Wilson 1927, the score interval */
export function wilson(share: number, n: number): [low: number, high: number] {
  const z2 = 1.959963984540054 ** 2;
  const middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const half = Math.sqrt(z2 * ((share * (1 - share)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  return [middle - half, middle + half];
}
