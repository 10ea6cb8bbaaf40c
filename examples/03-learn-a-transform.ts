/** Learn the sparsifying transform of a regularizer through its fixed point, by Jacobian-free backpropagation. */

import * as vouch from "../src/index.js";

const [m, n, r] = [10, 16, 4];
const rng = vouch.random(3);
const gaussian = (rows: number, columns: number) =>
  Float32Array.from({ length: rows * columns }, () => rng.normal() / Math.sqrt(rows));
const times = (M: Float32Array, rows: number, v: Float32Array) =>
  Float32Array.from({ length: rows }, (_, i) => v.reduce((sum, x, j) => sum + M[i * v.length + j]! * x, 0));
const [A, M] = [gaussian(m, n), gaussian(n, r)];

// Signals are x = Ms with s sparse; M is not shown to the model.
const signals = Array.from({ length: 160 }, () =>
  times(
    M,
    n,
    Float32Array.from({ length: r }, () => (rng.uniform() < 0.3 ? rng.normal() : 0)),
  ),
);
const rows = (list: Float32Array[]) => ({
  shape: [list.length, list[0]!.length],
  data: Float32Array.from(list.flatMap((row) => [...row])),
});
const set = (list: Float32Array[]) => ({
  count: list.length,
  examples: (indices: readonly number[]) => {
    const chosen = indices.map((i) => list[i]!);
    return { data: { d: rows(chosen.map((x) => times(A, m, x))) }, target: rows(chosen) };
  },
});

const dictionary = vouch.define({
  name: "implicit dictionary",
  params: { K: { shape: [n, n], init: () => gaussian(n, n) } },
  data: { d: ["N", m] },
  problem: ({ K }, { d }) => ({
    sparsity: { prox: vouch.l1(), of: vouch.matrix(K) },
    fidelity: { prox: vouch.indicator(vouch.point(d)), of: vouch.matrix(vouch.tensor.constant(A, [m, n])) },
  }),
});
const { validation } = await vouch.fit(dictionary, dictionary.initialWeights(), set(signals.slice(0, 128)), {
  validation: set(signals.slice(128)),
  batch: 64,
  passes: 10,
  phases: 2,
  learningRate: 2e-2,
  steps: { warm: 40, cold: 200 },
  onPhase: (_, { phase, loss, validation: held }) =>
    console.log(`phase ${phase}: training ${loss.toExponential(2)}, held out ${held?.toExponential(2)}`),
});
console.log(
  `best held-out error ${validation.toExponential(2)}, against ${(
    signals
      .slice(128)
      .flatMap((x) => [...x])
      .reduce((s, v) => s + v * v, 0) /
      64 /
      n
  ).toExponential(2)} for x = 0`,
);
