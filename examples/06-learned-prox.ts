/** A network in the place of a prox: firmly nonexpansive at any weights, checked before it is trained. */

import * as vouch from "../src/index.js";

const { affine, compose, firmlyNonexpansive, learnedProx, maxMin } = vouch.layers;
const size = { height: 8, width: 8 };
const gaussian = (shape: number[], label: string): vouch.Param => ({
  shape,
  init: () => {
    const rng = vouch.random(1).fork(label);
    return Float32Array.from({ length: shape.reduce((p, n) => p * n, 1) }, () => rng.normal());
  },
});
// Any weights: each convolution is divided by a bound of its norm where that exceeds 1.
const convolution = (K: vouch.tensor.Tensor) => affine(vouch.spectrallyNormalized(K, (W) => vouch.conv2d(W, size)));

export const model = vouch.define({
  name: "denoiser",
  params: { K: gaussian([4, 1, 3, 3], "K"), L: gaussian([1, 4, 3, 3], "L") },
  data: { d: ["N", 1, 8, 8] },
  problem: ({ K, L }, { d }) => ({
    fidelity: { prox: vouch.quadratic(d) },
    prior: {
      prox: learnedProx(firmlyNonexpansive(compose([convolution(K), maxMin(), convolution(L)]))),
      of: vouch.identity(["N", 1, 8, 8]),
    },
  }),
});
const rng = vouch.random(2);
export const data = { d: { shape: [1, 1, 8, 8], data: Float32Array.from({ length: 64 }, () => rng.uniform()) } };

const { checks, provable } = vouch.checkModel(model, model.initialWeights(), data);
for (const { kind, name, left, right, holds } of checks) {
  console.log(`${kind} ${name}: ${left.toPrecision(3)} ≤ ${right.toPrecision(3)} ${holds ? "holds" : "FAILS"}`);
}
if (!provable.provable) console.log(`no proof of optimality, ${provable.reason}: ${provable.detail}`);
