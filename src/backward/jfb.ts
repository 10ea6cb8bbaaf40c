/** @file Jacobian-free backpropagation. */

import { stopGradient } from "../tensor/primitives/leaf.js";
import { mapTensors } from "../tensor/tree.js";
import type { BackwardRule } from "./rule.js";

/**
 * z = T(z*), with z* detached: dz/dΘ ≈ ∂T/∂Θ at z*, the implicit derivative (I − ∂T/∂z)⁻¹ ∂T/∂Θ with its inverse
 * replaced by the identity. Memory does not grow with the number of solver steps.
 *
 * @source Wu Fung et al. 2022, JFB: Jacobian-Free Backpropagation for Implicit Networks, eq. (11)
 */
export const jfb: BackwardRule = (T, zStar) => T.apply(mapTensors(zStar, stopGradient));
