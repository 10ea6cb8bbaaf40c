/** Export a model with its solve, certificates and calibration as one .onnx file, and run the file. */

import * as vouch from "../src/index.js";

const [m, n, held] = [16, 32, 60];
const rng = vouch.random(9);
const A = Float32Array.from({ length: m * n }, () => rng.normal() / Math.sqrt(m));
const measured = () => {
  const x = new Float32Array(n);
  for (const j of rng.permutation(n).subarray(0, 2)) x[j] = 0.5 + rng.uniform();
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
});

const rows = Array.from({ length: held }, measured);
await using model = await vouch.compileModel(recovery, {});
const { x } = await model.solve(batch(rows));
const values = vouch.valuesByTerm(vouch.measureProperties(recovery, {}, batch(rows), x));
const samples = await Promise.all(rows.map(vouch.digest));
const calibration = vouch.calibrate({ values, reference: "inferences", samples });

const bytes = vouch.exportOnnx(recovery, {}, { calibration }); // write these, and any ONNX runtime can run them
await using file = await vouch.loadOnnx(bytes, "recovery.onnx");
const honest = measured();
for (const { status, trustworthy, certificates } of await file.run(batch([honest, honest.map((v) => 1 - v)]))) {
  const labels = certificates.map(({ property, label }) => `${property}: ${label}`).join(", ");
  console.log(`${status}, ${trustworthy ? "trustworthy" : "not to be trusted"} (${labels})`);
}
