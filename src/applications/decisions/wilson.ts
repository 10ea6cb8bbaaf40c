/** @file The interval of a share. */

/** The 95 % interval of a share of `count`. @source Wilson 1927, the score interval */
export function wilson(hits: number, count: number): [number, number] {
  const [p, z2] = [hits / count, 1.96 ** 2];
  const centre = (p + z2 / (2 * count)) / (1 + z2 / count);
  const half = (1.96 / (1 + z2 / count)) * Math.sqrt((p * (1 - p)) / count + z2 / (4 * count * count));
  return [centre - half, centre + half];
}
