/** @file Losses of predicted costs: how good the decisions are that they lead to, by an exact solver. */

import { VouchError } from "../../errors.js";
import { random } from "../../random.js";
import type { LossAt, OutsideLoss } from "../../training/outside.js";

/** x*(c) = argmin ⟨c, x⟩ over the decisions, costs of any sign: one number a variable. */
export type Oracle = (costs: Float64Array) => ArrayLike<number>;

/** A loss of predicted costs ĉ. */
export interface CostLoss {
  /** What an example has to hold: the best decision, or the true costs. */
  readonly learnsFrom: "decisions" | "costs";
  /** @param draw  seed of what is drawn for this sample */
  at(predicted: Float64Array, target: Float64Array, draw: number): { value: number; gradient: Float64Array };
}

/**
 * SPO+, from true costs c:
 *
 *     ℓ(ĉ) = ⟨2ĉ, x*(c)⟩ − ⟨c, x*(c)⟩ − min ⟨2ĉ − c, x⟩,    2(x*(c) − x*(2ĉ − c)) ∈ ∂ℓ(ĉ)
 *
 * Convex, ≥ the regret ⟨c, x*(ĉ)⟩ − ⟨c, x*(c)⟩, and 0 at ĉ = c.
 *
 * @source Elmachtoub & Grigas 2022, Smart "Predict, then Optimize", Definition 3 and Proposition 3
 */
export function spoPlus(oracle: Oracle): CostLoss {
  return {
    learnsFrom: "costs",
    at: (predicted, costs) => {
      const beyond = predicted.map((c, i) => 2 * c - costs[i]!);
      const [best, other] = [oracle(costs), oracle(beyond)];
      return {
        value: 2 * inner(predicted, best) - inner(costs, best) - inner(beyond, other),
        gradient: predicted.map((_, i) => 2 * (best[i]! - other[i]!)),
      };
    },
  };
}

export interface PerturbedOptions {
  /** Draws m of a sample, ≥ 1. Default 10. */
  readonly draws?: number;
  /** σ > 0, units of the costs. Default 1. */
  readonly scale?: number;
}

/**
 * The perturbed Fenchel–Young loss, from the best decision x*, less its constant in ĉ:
 *
 *     ℓ(ĉ) = 1/m Σⱼ ⟨ĉ + σZⱼ, x*⟩ − min ⟨ĉ + σZⱼ, x⟩,    x* − 1/m Σⱼ x*(ĉ + σZⱼ) ∈ ∂ℓ(ĉ),    Zⱼ ~ N(0, I)
 *
 * Convex and ≥ 0. deviates: a sample keeps its draws, so that the mean over a set is one function, and a resumed training the same.
 *
 * @throws parameter if m or σ is out of range
 * @source Berthet, Blondel, Teboul, Cuturi, Vert & Bach 2020, Learning with differentiable perturbed optimizers, §4.1 and eq. (7);
 * defaults of PyEPO
 */
export function perturbedFenchelYoung(oracle: Oracle, { draws = 10, scale = 1 }: PerturbedOptions = {}): CostLoss {
  if (!(Number.isInteger(draws) && draws >= 1 && scale > 0)) {
    throw refuse("perturbedFenchelYoung", "draws ≥ 1 and scale > 0", `${draws} and ${scale}`);
  }
  return {
    learnsFrom: "decisions",
    at: (predicted, best, draw) => {
      const stream = random(draw).fork("perturbed");
      const gradient = Float64Array.from(best);
      let value = 0;
      for (let j = 0; j < draws; j++) {
        const costs = predicted.map((c) => c + scale * stream.normal());
        const x = oracle(costs);
        value += (inner(costs, best) - inner(costs, x)) / draws;
        gradient.forEach((_, i) => {
          gradient[i]! -= x[i]! / draws;
        });
      }
      return { value, gradient };
    },
  };
}

export interface BlackboxOptions {
  /** λ > 0, units of the costs. Default 5. */
  readonly interpolation?: number;
}

/**
 * Hamming's distance f(x) = ⟨x, 1 − x*⟩ + ⟨1 − x, x*⟩ of decisions in {0, 1}, by its interpolation in ĉ:
 *
 *     f_λ(ĉ) = 1/λ (min ⟨ĉ, x⟩ + λ f(x) − min ⟨ĉ, x⟩),    (x*(ĉ + λ(1 − 2x*)) − x*(ĉ))/λ ∈ ∂f_λ(ĉ) a.e.
 *
 * f_λ ≤ f(x*(ĉ)), equal but near the costs where decisions change; not convex.
 *
 * @throws parameter if λ is not > 0
 * @source Vlastelica, Paulus, Musil, Martius & Rolínek 2020, Differentiation of blackbox combinatorial solvers, eq. (4), Algorithm 1
 */
export function blackbox(oracle: Oracle, { interpolation = 5 }: BlackboxOptions = {}): CostLoss {
  if (!(interpolation > 0)) throw refuse("blackbox", "interpolation > 0", `${interpolation}`);
  return {
    learnsFrom: "decisions",
    at: (predicted, best) => {
      const beyond = predicted.map((c, i) => c + interpolation * (1 - 2 * best[i]!));
      const [mine, other] = [oracle(predicted), oracle(beyond)];
      const taken = best.reduce((sum, value) => sum + value, 0);
      return {
        value: taken + (inner(beyond, other) - inner(predicted, mine)) / interpolation,
        gradient: predicted.map((_, i) => (other[i]! - mine[i]!) / interpolation),
      };
    },
  };
}

/**
 * ‖ĉ − c‖²/n, from true costs: costs are predicted first and decided by after, no decision is looked at.
 *
 * @source Elmachtoub & Grigas 2022, Smart "Predict, then Optimize", §2.2 (predict, then optimize)
 */
export function squaredCosts(): CostLoss {
  return {
    learnsFrom: "costs",
    at: (predicted, costs) => {
      const off = predicted.map((c, i) => c - costs[i]!);
      return { value: inner(off, off) / off.length, gradient: off.map((value) => (2 * value) / off.length) };
    },
  };
}

/** The losses of predicted costs by name. */
export const COST_LOSSES = {
  "two-stage": squaredCosts,
  "spo+": spoPlus,
  "fenchel-young": perturbedFenchelYoung,
  blackbox,
} as const;
export type CostLossName = keyof typeof COST_LOSSES;

/** A loss of one sample's costs as one of a batch; each sample's draws are those of its index. */
export function ofBatches(loss: CostLoss): OutsideLoss {
  return (x, target, indices): LossAt => {
    const count = indices.length;
    const width = x.data.length / count;
    const gradient = new Float32Array(x.data.length);
    const row = (data: Float32Array, n: number) => Float64Array.from(data.subarray(n * width, (n + 1) * width));
    const losses = Float32Array.from(indices, (draw, n) => {
      const { value, gradient: own } = loss.at(row(x.data, n), row(target.data, n), draw);
      gradient.set(own, n * width);
      return value;
    });
    return { losses: { shape: [count], data: losses }, gradient: { shape: x.shape, data: gradient } };
  };
}

function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function refuse(name: string, expected: string, got: string): VouchError {
  return new VouchError("parameter", { name, expected, got, remedy: "Leave it out for the default." });
}
