/** Ask for a proof: no feasible answer is better by more than one per cent, checkable without the solver. */

import * as vouch from "../src/index.js";

const [m, n] = [12, 24];
const rng = vouch.random(6);
const A = Float32Array.from({ length: m * n }, () => rng.normal() / Math.sqrt(m));
const truth = Float32Array.from({ length: n }, (_, i) => (i < n / 3 ? 0.8 : i < (2 * n) / 3 ? 0.2 : 0.5));
const noise = () => 0.01 * rng.normal();
const d = Float32Array.from({ length: m }, (_, i) => truth.reduce((sum, x, j) => sum + A[i * n + j]! * x, 0) + noise());

// min ‖∇x‖₁ subject to ‖Ax − d‖ ≤ 0.05 and 0 ≤ x ≤ 1
const steps = Float32Array.from({ length: (n - 1) * n }, (_, k) => {
  const [row, column] = [Math.floor(k / n), k % n];
  return column === row + 1 ? 1 : column === row ? -1 : 0;
});
const smooth = vouch.define({
  name: "piecewise constant",
  params: {},
  data: { d: ["N", m] },
  problem: (_, data) => ({
    box: { prox: vouch.indicator(vouch.box(0, 1)) },
    fidelity: { prox: vouch.indicator(vouch.ball(data.d, 0.05)), of: vouch.matrix(vouch.tensor.constant(A, [m, n])) },
    variation: { prox: vouch.l1(), of: vouch.matrix(vouch.tensor.constant(steps, [n - 1, n])) },
  }),
});
await using model = await vouch.compileModel(smooth, {});
const solution = await model.solve({ d: { shape: [1, m], data: d } }, { gap: 0.01, tolerance: 1e-6, maxSteps: 20_000 });
const { verdict } = solution.proofs[0]!;
if (verdict.verdict !== "VERIFIED") throw new Error(verdict.detail);
const { dual, primal, relativeGap } = verdict;
console.log(`after ${solution.steps[0]} steps: ${dual.toFixed(4)} ≤ optimum ≤ ${primal.toFixed(4)}`);
console.log(`no feasible x is better by more than ${(100 * relativeGap).toFixed(2)} %`);
