/** A receipt: signed, checked by a stranger from its content alone, and refuted where its signer changes a figure. */

import * as vouch from "../src/index.js";
import { publicKeyOf, seal, verifyReceipt } from "../src/receipts/index.js";

const [m, n, held, rng] = [12, 16, 60, vouch.random(8)];
const A = Float32Array.from({ length: m * n }, () => rng.normal() / Math.sqrt(m));
const measured = () => {
  const x = Array.from({ length: n }, () => (rng.uniform() < 0.2 ? rng.uniform() : 0));
  return A.slice(0, m).map((_, i) => x.reduce((sum, v, j) => sum + A[i * n + j]! * v, 0.01 * rng.normal()));
};
const numbers = (rows: Float32Array[]) => Float32Array.from(rows.flatMap((d) => [...d]));
const batch = (rows: Float32Array[]) => ({ d: { shape: [rows.length, m], data: numbers(rows) } });
const model = vouch.define({
  name: "sparse recovery",
  params: {},
  data: { d: ["N", m] },
  problem: (_, { d }) => ({
    box: { prox: vouch.indicator(vouch.box(0, 1)) },
    fidelity: { prox: vouch.indicator(vouch.ball(d, 0.1)), of: vouch.matrix(vouch.tensor.constant(A, [m, n])) },
    sparsity: { prox: vouch.l1(), of: vouch.identity(["N", n]) },
  }),
});
await using compiled = await vouch.compileModel(model, {});
const solve = async (data: ReturnType<typeof batch>) => vouch.prove(compiled, data, await compiled.solve(data));
const rows = Array.from({ length: held }, measured);
const values = vouch.valuesByTerm(vouch.measureProperties(model, {}, batch(rows), (await solve(batch(rows))).x));
const samples = await Promise.all(rows.map(vouch.digest));
const stated = { row: 0, calibration: vouch.calibrate({ values, reference: "inferences", samples }), version: "1" };
const data = batch([measured()]);
const { x, duals, status, steps } = await solve(data);
const run = { status: status[0]!, steps: steps[0]! };
const { statement, content } = vouch.attest({ model, weights: {}, data, x, duals, run, ...stated });
const key = crypto.getRandomValues(new Uint8Array(32));
for (const label of [statement.predicate.figures.labels["sparsity"]!.label, "fail"] as const) {
  statement.predicate.figures.labels["sparsity"]!.label = label;
  const signed = { envelope: seal(vouch.payloadOf(statement), key), content };
  const { verdict, findings } = verifyReceipt(signed, [publicKeyOf(key)]);
  console.log(
    verdict,
    findings.find((finding) => finding.verdict !== "VERIFIED")?.because ?? "every digest and figure",
  );
}
