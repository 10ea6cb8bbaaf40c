/** @file The sensitivity matrix: how far each output may move with each input, from above. */

import { VouchError } from "../../../errors.js";
import { gamma, up } from "../../../tensor/rounding.js";
import { placed } from "../activations/phi.js";
import { type Dense, dense, transposed } from "../dense.js";
import { type ImplicitModel, sizesOf } from "../model.js";
import { denseA } from "../state-matrix.js";
import { majorant } from "./majorant.js";

/**
 * S ≥ |C|(I − |A|)⁻¹|B| + |D|, [q, p]: |ŷ(u) − ŷ(u⁰)| ≤ S|u − u⁰| for all inputs, output by output.
 *
 * As attribution, Sₖⱼ is the most that output k can owe to input j, whatever the other inputs are; as a certificate it bounds every output under
 * |δ| ≤ σ by Sσ.
 *
 * @throws parameter if a map of states is not componentwise and 1-Lipschitz, or λ_pf(|A|) < 1 cannot be shown
 * @source El Ghaoui et al., Implicit Deep Learning (SIAM J. Math. Data Sci. 2021), Theorem 4.3
 */
export function sensitivityMatrix(model: ImplicitModel): Dense {
  requireNonexpansive("sensitivityMatrix", model);
  const { n, p, q } = sizesOf(model);
  const rows = Array.from({ length: q }, (_, k) =>
    sensitivityRow(model, model.C.data.subarray(k * n, (k + 1) * n), model.D.data.subarray(k * p, (k + 1) * p)),
  );
  const S = dense(q, p);
  rows.forEach((row, k) => {
    S.data.set(row, k * p);
  });
  return S;
}

/** |c|(I − |A|)⁻¹|B| + |d| from above, for one output ŷ = cx + du. */
export function sensitivityRow(model: ImplicitModel, c: Float64Array, d: Float64Array): Float64Array {
  const { n, p } = sizesOf(model);
  const through = majorant(
    transposed(denseA(model.A)),
    c.map((value) => up(Math.abs(value))),
  );
  return d.map((direct, j) => {
    let total = Math.abs(direct);
    for (let i = 0; i < n; i++) total += through[i]! * Math.abs(model.B.data[i * p + j]!);
    return up(total * (1 + gamma(n + 3)));
  });
}

/** @throws parameter unless every map of states moves each entry by itself, and by no more than its input */
export function requireNonexpansive(name: string, { phi }: Pick<ImplicitModel, "phi">): void {
  const bad = placed(phi).find(({ activation }) => !(activation.componentwise && activation.lipschitz.infinity <= 1));
  if (bad === undefined) return;
  throw new VouchError("parameter", {
    name,
    expected: "maps that act entry by entry and are 1-Lipschitz",
    got: bad.block.map,
    remedy: "Use ReLU, tanh, sigmoid or another such map.",
  });
}
