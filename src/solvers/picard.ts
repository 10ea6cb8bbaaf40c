/** @file Picard iteration. */

import type { Solver } from "./solver.js";

/**
 * z⁺ = T(z): converges to a fixed point when T is averaged.
 *
 * @source Heaton & Wu Fung 2023, eq. (3), (4)
 */
export function picard(): Solver {
  return {
    name: "picard",
    init: (z) => z,
    step: (T, z) => {
      const Tz = T.apply(z);
      return { next: Tz, z, Tz };
    },
    point: (z) => z,
  };
}
