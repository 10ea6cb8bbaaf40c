/** @file The trading model as published, faults and all: for comparison, not to trade with. */

import { indicator } from "../../../functions/indicator.js";
import { define, type Model } from "../../../model.js";
import { davisYin } from "../../../splitting/davis-yin.js";
import { sum } from "../../../tensor/primitives/broadcast.js";
import { add, div, mul, sqrt } from "../../../tensor/primitives/elementwise.js";
import { transpose } from "../../../tensor/primitives/layout.js";
import { constant } from "../../../tensor/primitives/leaf.js";
import { matmul } from "../../../tensor/primitives/matmul.js";
import { positive } from "../../../training/params/positive.js";
import { MARKETS, PRICES, spread, WIDTH } from "./network.js";
import { publishedAcceptable, publishedBalanced } from "./published-sets.js";
import { marketRisk, riskAverse } from "./utility.js";

/** δ at the start of training: e⁻³. */
const MARGIN = Math.exp(-3);
/** L = this + ‖WᵀW‖_F, and α = 1.99/L. */
const CURVATURE = 0.1;

/**
 * max U(x, y) − ½ Σⱼ ‖Wʲ(x − y)‖² over P, A, R and H, by Davis–Yin at α = 1.99/(0.1 + ‖WᵀW‖_F), ζ⁰ = 0.
 *
 * 126 numbers: W [11, 11], of which the 25 within markets count, read as |W|; δ [5] = exp of what is stored. ξ = (x, y, v, z)
 * [N, 44] in tokens and, z, their logarithms. α is beyond 2/L, as ∇h is 2‖WᵀW‖-Lipschitz; the splitting says so.
 *
 * deviates: tokens that a market does not have are left out, where they stay 0; δⱼ is spread over the tokens of market j, where
 * the published code stops with an error of shapes; α is cut out of the gradient, as everywhere here
 *
 * @param seed  of W, uniform in (0, 1)
 * @param risk  what ½ Σⱼ ‖Wʲ(x − y)‖² is multiplied with: 1, or 0 for the published "analytic" model
 * @source Heaton & Wu Fung 2023, eq. (20)–(23) and Appendix E; TypalAcademy/xai-l2o, docs/exp-crypto.ipynb, `CfmmTradeModel`
 */
export function publishedModel(seed = 1, risk: 0 | 1 = 1): Model {
  const prices = constant(
    spread(({ tokens }, k) => PRICES[tokens[k]!]!),
    [1, WIDTH],
  );
  return define({
    name: "trading-published",
    params: {
      W: marketRisk(seed, risk),
      delta: positive([MARKETS.length], () => MARGIN),
    },
    data: { d: ["N", WIDTH] },
    problem: ({ W, delta }, { d }) => ({
      utility: { smooth: riskAverse(prices, W) },
      acceptance: { prox: indicator(publishedAcceptable(d, delta)) },
      balance: { prox: indicator(publishedBalanced(d, delta)) },
    }),
    split: (problem, { W }) => {
      const WW = matmul(transpose(W, [1, 0]), W);
      return davisYin(problem, {
        domain: ["N", 4 * WIDTH],
        alpha: div(1.99, add(CURVATURE, sqrt(sum(mul(WW, WW))))),
      });
    },
  });
}
