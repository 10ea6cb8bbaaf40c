/** @file The trading model: utility less a learned cost of risk, over trades the markets accept with learned margins. */

import { indicator } from "../../../functions/indicator.js";
import { define, type Model } from "../../../model.js";
import { davisYin } from "../../../splitting/davis-yin.js";
import { reshape } from "../../../tensor/primitives/broadcast.js";
import { mul } from "../../../tensor/primitives/elementwise.js";
import { slice } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import { positive } from "../../../training/params/positive.js";
import { MARKETS, PRICES, spread, WIDTH } from "./network.js";
import { acceptable, balanced } from "./sets.js";
import { marketRisk, riskAverse } from "./utility.js";

/** Units of value of the objective: a typical reserve's worth. */
const WORTH = 50;
/** Curvature that the step length allows for besides the risk model's: 1/α at most this much. */
const CURVATURE = 2;
/** W is read as this times |what is stored|. */
const RISK = 0.01;
/** Margins at the start of training. */
const HAIRCUT = 3e-3;

/**
 * max U(x, y) − ½ Σⱼ ‖Wʲ(x − y)‖² s.t. each market accepts x for y with γ(1 − δⱼ) and keeps a share δⱼ of a drained reserve.
 *
 * 126 numbers: W [11, 11], of which the 25 within markets count, read as |W|/100; δ [5] = exp of what is stored. All amounts are
 * relative to the observed reserves d, ξ = (x, y, v, z) [N, 44].
 *
 * deviates from Heaton & Wu Fung 2023, Appendix E, because: reserves as units make one step length fit all markets; margins on what
 * is tendered leave no trade possible; projections are exact; ∇h is 2‖W‖²-Lipschitz, where eq. (70) lacks the 2; W acts on relative
 * amounts and is a hundredth of what is stored, so that it does not forbid trade before anything is learned.
 *
 * @source Heaton & Wu Fung 2023, eq. (20)–(23) and Appendix E
 */
export function paperModel(seed = 1): Model {
  const each = constant(
    Float32Array.from(MARKETS.flatMap((_, j) => [...spread((_m, _k, other) => (other === j ? 1 : 0))])),
    [MARKETS.length, WIDTH],
  );
  const prices = constant(
    spread(({ tokens }, k) => PRICES[tokens[k]!]! / WORTH),
    [1, WIDTH],
  );
  return define({
    name: "trading",
    params: {
      W: marketRisk(seed, RISK),
      delta: positive([MARKETS.length], () => HAIRCUT),
    },
    data: { d: ["N", WIDTH] },
    problem: ({ W, delta }, { d }) => {
      const haircut = matmul(reshape(delta, [1, MARKETS.length]), each);
      const drained = slice(delta, 0, MARKETS.length - 1, MARKETS.length);
      return {
        utility: { smooth: riskAverse(mul(d, prices), W, CURVATURE) },
        acceptance: { prox: indicator(acceptable(d, drained)) },
        balance: { prox: indicator(balanced(haircut)) },
      };
    },
    split: (problem) => davisYin(problem, { domain: ["N", 4 * WIDTH] }),
  });
}
