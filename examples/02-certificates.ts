/** Every answer carries certificates, one for each named term: a corrupted measurement is caught, and by what. */

import * as vouch from "../src/index.js";

const [m, n, held] = [20, 40, 60];
const rng = vouch.random(4);
const A = Float32Array.from({ length: m * n }, () => rng.normal() / Math.sqrt(m));
const measured = () => {
  const x = new Float32Array(n);
  for (const j of rng.permutation(n).subarray(0, 3)) x[j] = rng.uniform();
  return Float32Array.from({ length: m }, (_, i) => x.reduce((sum, v, j) => sum + A[i * n + j]! * v, 0));
};
const batch = (rows: Float32Array[]) => ({
  d: { shape: [rows.length, m], data: Float32Array.from(rows.flatMap((d) => [...d])) },
});

const recovery = vouch.define({
  name: "sparse recovery",
  params: {},
  data: { d: ["N", m] },
  problem: (_, { d }) => ({
    sparsity: { prox: vouch.l1(), of: vouch.identity(["N", n]) },
    fidelity: { prox: vouch.indicator(vouch.point(d)), of: vouch.matrix(vouch.tensor.constant(A, [m, n])) },
  }),
  split: (problem) => vouch.linearizedAdmm(problem, { ratio: 10 }),
});
await using model = await vouch.compileModel(recovery, {});
const options = { maxSteps: 20_000 };

const rows = Array.from({ length: held }, measured);
const { x } = await model.solve(batch(rows), options);
const calibration = vouch.calibrate({
  values: vouch.valuesByTerm(vouch.measureProperties(recovery, {}, batch(rows), x)),
  reference: "inferences",
  samples: await Promise.all(rows.map(vouch.digest)),
});

const honest = measured();
const corrupted = honest.map((v, i) => (i === 0 ? v + 3 : v));
const results = await vouch.infer(model, recovery, {}, batch([honest, corrupted]), { calibration, ...options });
for (const { trustworthy, certificates } of results) {
  console.log(trustworthy ? "trustworthy" : "not trustworthy");
  for (const { term, label, because } of certificates) console.log(`  ${term}: ${label} (${because})`);
}
