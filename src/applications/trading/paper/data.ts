/** @file Snapshots of the paper's markets: true reserves, and what is observed of them. */

import { VouchError } from "../../../errors.js";
import { random } from "../../../random.js";
import { MARKETS, PRICES, WIDTH } from "./network.js";

/** One snapshot a row, the markets' tokens one after the other. */
export interface Snapshots {
  readonly count: number;
  /** r, shape [count, 11], tokens. */
  readonly reserves: Float32Array;
  /** d = (1 + σ ε) ⊙ r, σ ~ U(0, 10⁻³) a snapshot, ε ~ N(0, 1) a token. */
  readonly observed: Float32Array;
}

/** Largest standard deviation of an observation, relative. The paper's text says 0.2 %; its code draws up to 0.1 %. */
export const NOISE = 1e-3;

/**
 * Draw reserves r_t = w_t p̃₀ ρ_t/(w₀ p̃_t), p̃ = p(1 + 0.1ε), ρ_t = size(1 + 0.1ε) drawn again for each token.
 *
 * @param stream  label of the draws; a larger count continues a smaller one
 * @throws parameter if count is not an integer ≥ 0
 * @source TypalAcademy/xai-l2o, docs/exp-crypto.ipynb, `create_loader`: the same formula for the market that is a sum
 */
export function snapshots(count: number, stream: string, seed = 2022): Snapshots {
  if (!Number.isInteger(count) || count < 0) {
    const expected = "count an integer ≥ 0";
    throw new VouchError("parameter", { name: "snapshots", expected, got: `${count}`, remedy: `Pass ${expected}.` });
  }
  const rng = random(seed).fork("snapshots").fork(stream);
  const [reserves, observed] = [new Float32Array(count * WIDTH), new Float32Array(count * WIDTH)];
  const around = () => 1 + 0.1 * rng.normal();
  let at = 0;
  for (let n = 0; n < count; n++) {
    const sigma = NOISE * rng.uniform();
    for (const { tokens, weights, size } of MARKETS) {
      const prices = tokens.map((t) => PRICES[t]! * around());
      for (const [k, weight] of weights.entries()) {
        const r = (weight * prices[0]! * size * around()) / (weights[0]! * prices[k]!);
        reserves[at] = r;
        observed[at++] = r * (1 + sigma * rng.normal());
      }
    }
  }
  return { count, reserves, observed };
}
