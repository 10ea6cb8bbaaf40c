/** @file Knapsacks of the published protocol: regret of the loss that validation chooses, beside the published ones. */

import { mipSolver } from "../cli/highs.js";
import { drawKnapsackData, someKnapsacks } from "../src/applications/decisions/knapsack/data.js";
import { evaluateKnapsack } from "../src/applications/decisions/knapsack/evaluate.js";
import { trainKnapsack } from "../src/applications/decisions/knapsack/train.js";

/** Test regret by number of items: the Davis–Yin layer, the CVX layer. @source mines-opt-ml/fpo-dys, `src/knapsack`, repetition 3 */
const PUBLISHED: Readonly<Record<number, readonly [dys: number, cvx: number]>> = {
  20: [0.111, 0.088],
  50: [0.193, 0.132],
};
/** The published script's defaults; its table does not say what it was run with. */
const DATA = { degree: 2, noise: 0.05 } as const;
const VALIDATION = 200;
const RECIPE = { hidden: 50, learningRate: 1e-2, batch: 50, phases: 5, passes: 4, validation: VALIDATION } as const;
/** SPO+ is not among them: two exact solves of some 10 ms a sample and epoch. */
const LOSSES = ["mse", "two-stage"] as const;

/** Figures `knapsack_regret_<n>` and of each loss: two capacities of 20, degree 2, noise ±5 %, 1000/200/200, one network a loss. */
export async function knapsackFigures(log: (line: string) => void): Promise<Record<string, number>> {
  const solve = await mipSolver();
  const figures: Record<string, number> = {};
  for (const [n, [dys, cvx]] of Object.entries(PUBLISHED)) {
    const data = drawKnapsackData(Number(n), { ...DATA, train: 1000 + VALIDATION });
    const held = { ...data, test: someKnapsacks(data.train, 1000, 1000 + VALIDATION) };
    let best = { validation: Number.POSITIVE_INFINITY, test: Number.NaN };
    for (const loss of LOSSES) {
      const { bundle } = await trainKnapsack(data, solve, { ...RECIPE, loss });
      const { regret: validation } = await evaluateKnapsack(bundle, held, solve);
      const { regret: test } = await evaluateKnapsack(bundle, data, solve);
      log(`knapsack of ${n} items, ${loss}: regret ${(100 * test).toFixed(2)} %`);
      figures[`knapsack_regret_${loss}_${n}`] = test;
      if (validation < best.validation) best = { validation, test };
    }
    figures[`knapsack_regret_${n}`] = best.test;
    figures[`knapsack_published_${n}`] = dys;
    figures[`knapsack_published_cvx_${n}`] = cvx;
    figures[`knapsack_regret_over_published_${n}`] = best.test / dys;
  }
  return figures;
}
