/** @file Where the state of a ReLU model can be while its input moves in a set: boxes, proven in real arithmetic. */

import { VouchError } from "../../../errors.js";
import { gamma, up } from "../../../tensor/rounding.js";
import { type Dense, dense } from "../dense.js";
import { type ImplicitModel, sizesOf } from "../model.js";
import { predictor } from "../predict.js";
import { denseA } from "../state-matrix.js";
import type { InputSet } from "./input-set.js";
import { majorant } from "./majorant.js";

/** States of one input u⁰ and all its perturbations. */
export interface StateBox {
  readonly u: Float64Array;
  /** The state computed at u⁰, and how far the real one may be from it: [n]. */
  readonly x: Float64Array;
  readonly error: Float64Array;
  /** Every state lies in low … high: [n]. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** Ax + Bu + b lies there. */
  readonly zLow: Float64Array;
  readonly zHigh: Float64Array;
}

/** Bounds for every input, one model and one set of perturbations. */
export interface StateBoxes {
  readonly model: ImplicitModel;
  readonly A: Dense;
  readonly set: InputSet;
  of(u: Float64Array): StateBox;
}

/** Times the box is mapped by the model and intersected with what comes. */
const ROUNDS = 8;

/**
 * First |x(u) − x̂| ≤ (I − |A|)⁻¹(r + |B|σ), x̂ the computed state and r its residual with rounding; then, as x = φ(Ax + Bu + b),
 *
 *     X ← X ∩ φ(A X + B U + b)          in interval arithmetic, outward
 *
 * as often as it is worth: each intersection holds every state, converged or not.
 *
 * @throws parameter if a map is not ReLU, or λ_pf(|A|) < 1 cannot be shown
 * @source El Ghaoui et al., Implicit Deep Learning (SIAM J. Math. Data Sci. 2021), Theorem 4.1; the intersections as in interval
 * Gauss–Seidel, Neumaier 1990, ch. 4
 */
export function stateBoxes(model: ImplicitModel, set: InputSet): StateBoxes {
  requireRelu("stateBoxes", model);
  const { n, p } = sizesOf(model);
  if (set.sigma.length !== p) {
    throw new VouchError("shape", {
      name: "stateBoxes: σ",
      expected: `${p} numbers, one an input`,
      got: `${set.sigma.length}`,
      remedy: "Give a budget for every input; 0 where one is fixed.",
    });
  }
  const A = denseA(model.A);
  const rows = Array.from({ length: n }, (_, i) => model.B.data.subarray(i * p, (i + 1) * p));
  const moved = Float64Array.from(rows, (row) => set.radius(row));
  const spread = majorant(A, moved);
  const unit = majorant(A, new Float64Array(n).fill(1));
  const solve = predictor(model);
  return {
    ...{ model, A, set },
    of(u) {
      const x = solve.predict(dense(1, p, u)).X.data.slice();
      const base = driven(model, u);
      const here = mapped(A, base, x, new Float64Array(n), new Float64Array(n));
      const residual = x.reduce(
        (most, value, i) => Math.max(most, relu(here.high[i]!) - value, value - relu(here.low[i]!)),
        0,
      );
      const error = unit.map((value) => up(up(residual) * value));
      const low = x.map((value, i) => Math.max(0, value - up(spread[i]! + error[i]!)));
      const high = x.map((value, i) => value + up(spread[i]! + error[i]!));
      let z: Range = { low, high };
      for (let round = 0; round < ROUNDS; round++) {
        const middle = low.map((value, i) => (value + high[i]!) / 2);
        const half = low.map((value, i) => up(Math.max(high[i]! - middle[i]!, middle[i]! - value)));
        z = mapped(A, base, middle, half, moved);
        let gained = 0;
        for (let i = 0; i < n; i++) {
          const [below, above] = [relu(z.low[i]!), relu(z.high[i]!)];
          gained = Math.max(gained, below - low[i]!, high[i]! - above);
          low[i] = Math.max(low[i]!, below);
          high[i] = Math.min(high[i]!, above);
        }
        if (gained <= 1e-12) break;
      }
      return { u, x, error, low, high, zLow: z.low, zHigh: z.high };
    },
  };
}

/** Bu + b of one input, with the size of its terms. */
export interface Driven {
  readonly value: Float64Array;
  readonly size: Float64Array;
  readonly terms: number;
}

export function driven({ B, stateBias }: ImplicitModel, u: Float64Array): Driven {
  const p = B.columns;
  const [value, size] = [Float64Array.from(stateBias), stateBias.map(Math.abs)];
  for (let i = 0; i < B.rows; i++) {
    for (let j = 0; j < p; j++) {
      const term = B.data[i * p + j]! * u[j]!;
      value[i]! += term;
      size[i]! += Math.abs(term);
    }
  }
  return { value, size, terms: p };
}

interface Range {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/** A x + Bu + b for |x − middle| ≤ half and inputs that move rows of B by `moved`, outward. */
function mapped(
  { rows: n, data }: Dense,
  base: Driven,
  middle: Float64Array,
  half: Float64Array,
  moved: Float64Array,
): Range {
  const [low, high] = [new Float64Array(n), new Float64Array(n)];
  const rounding = gamma(n + base.terms + 4);
  for (let i = 0; i < n; i++) {
    let [center, radius, size] = [base.value[i]!, moved[i]!, base.size[i]!];
    for (let j = 0; j < n; j++) {
      const a = data[i * n + j]!;
      center += a * middle[j]!;
      radius += Math.abs(a) * half[j]!;
      size += Math.abs(a * middle[j]!);
    }
    const all = up(up(radius * (1 + rounding)) + up(rounding * size));
    low[i] = center - up(all);
    high[i] = center + up(all);
    // One more rounding, of the sum itself.
    low[i]! -= up(Math.abs(low[i]!) * 2 ** -52);
    high[i]! += up(Math.abs(high[i]!) * 2 ** -52);
  }
  return { low, high };
}

function relu(value: number): number {
  return Math.max(value, 0);
}

/** @throws parameter unless every state is a ReLU */
export function requireRelu(name: string, { phi }: Pick<ImplicitModel, "phi">): void {
  const other = phi.find(({ map }) => map !== "relu");
  if (other === undefined) return;
  throw new VouchError("parameter", {
    name,
    expected: "ReLU states, whose map rounds nothing",
    got: other.map,
    remedy: "`sensitivityMatrix` bounds other maps.",
  });
}
