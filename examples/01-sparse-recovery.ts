/** Recover a sparse signal from few measurements: write the problem down, the algorithm is derived. */

import { compileModel, define, identity, indicator, l1, matrix, point, random, tensor } from "../src/index.js";

const [m, n] = [20, 40];
const rng = random(1);
const A = Float32Array.from({ length: m * n }, () => rng.normal() / Math.sqrt(m));
const truth = Float32Array.from({ length: n }, () => (rng.uniform() < 0.1 ? rng.normal() : 0));
const d = Float32Array.from({ length: m }, (_, i) => truth.reduce((sum, x, j) => sum + A[i * n + j]! * x, 0));

// min ‖x‖₁ subject to Ax = d
const recovery = define({
  name: "sparse recovery",
  params: {},
  data: { d: ["N", m] },
  problem: (_, data) => ({
    sparsity: { prox: l1(), of: identity(["N", n]) },
    fidelity: { prox: indicator(point(data.d)), of: matrix(tensor.constant(A, [m, n])) },
  }),
});

await using model = await compileModel(recovery, {});
const { x, steps, residual } = await model.solve(
  { d: { shape: [1, m], data: d } },
  { tolerance: 1e-5, maxSteps: 20_000 },
);
const error = Math.hypot(...x.data.map((v, i) => v - truth[i]!)) / Math.hypot(...truth);
console.log(
  `recovered ${truth.filter((v) => v !== 0).length} nonzeros of ${n} from ${m} measurements in ${steps[0]} steps`,
);
console.log(`relative error ${error.toExponential(1)}, residuals ${JSON.stringify(residual[0])}`);
