/** @file Rescaling of the state so that ‖A‖_∞ comes to λ_pf(|A|). */

import { VouchError } from "../../../errors.js";
import { placed } from "../activations/phi.js";
import { absolute, denseOf } from "../dense.js";
import { type ImplicitModel, implicitModel, sizesOf } from "../model.js";
import { denseA } from "../state-matrix.js";
import { perronScaling } from "./perron.js";

/**
 * The same predictions with A′ = SAS⁻¹, B′ = SB, C′ = CS⁻¹, S = diag(1/v), |A|v = λ_pf v: ‖A′‖_∞ = λ_pf(|A|), but for a share of
 * 1e-3 where |A| is reducible.
 *
 * @throws parameter unless every map is positively homogeneous and componentwise
 * @source El Ghaoui et al. 2021, §2.4; deviates: S = diag(1/v), since with the printed diag(v) the norm grows
 */
export function rescaled(model: ImplicitModel): ImplicitModel {
  const other = placed(model.phi).find(({ activation }) => !(activation.homogeneous && activation.componentwise));
  if (other) {
    throw new VouchError("parameter", {
      name: "rescaled",
      expected: "states of relu, leaky-relu or linear maps, for which φ(sz) = sφ(z)",
      got: other.block.map,
      remedy: "Leave the model as it is: the condition on λ_pf needs no scaling.",
    });
  }
  const A = denseA(model.A);
  const v = perronScaling(absolute(A));
  const { n, p, q } = sizesOf(model);
  return implicitModel({
    ...model,
    A: denseOf(n, n, (i, j) => (A.data[i * n + j]! * v[j]!) / v[i]!),
    B: denseOf(n, p, (i, j) => model.B.data[i * p + j]! / v[i]!),
    C: denseOf(q, n, (i, j) => model.C.data[i * n + j]! * v[j]!),
    stateBias: model.stateBias.map((entry, i) => entry / v[i]!),
  });
}
