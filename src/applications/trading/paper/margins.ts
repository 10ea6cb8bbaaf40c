/** @file Margins found without a network: searched on training snapshots, or calibrated to an executed share. */

import { VouchError } from "../../../errors.js";
import type { Snapshots } from "./data.js";
import { exactTrade, type Margins, rowOf } from "./exact.js";
import { MARKETS } from "./network.js";
import { executes, type Trade, utility } from "./trade.js";

/** Whether a trade executes at these reserves. */
export type Rule = (trade: Trade, reserves: ArrayLike<number>) => boolean;

type Kind = keyof Margins;

/** Margins of a search, from next to nothing to far too much. */
const GRID = [0, 1e-5, 3e-5, 1e-4, 2e-4, 3e-4, 5e-4, 7e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 4e-3, 5e-3, 7e-3, 1e-2, 2e-2];

/** Mean executed utility of the exact optimum with these margins. */
export function meanExecuted(
  { count, reserves, observed }: Snapshots,
  margins: Margins,
  rule: Rule = executes,
): number {
  let total = 0;
  for (let n = 0; n < count; n++) {
    const trade = exactTrade(rowOf(observed, n), margins);
    if (rule(trade, rowOf(reserves, n))) total += utility(trade);
  }
  return total / count;
}

/** The margin of the grid, the same for all markets, of the largest mean executed utility. */
export function oneMargin(training: Snapshots, kind: Kind, rule: Rule = executes): Vector {
  const of = (margin: number): Vector => new Float64Array(MARKETS.length).fill(margin);
  return GRID.map(of).reduce(bestOf(training, kind, rule));
}

/** One margin a market, each searched in turn with the others fixed, twice over, from the best common one. */
export function marginEach(training: Snapshots, kind: Kind, rule: Rule = executes): Vector {
  let margins = oneMargin(training, kind, rule);
  for (let round = 0; round < 2; round++) {
    for (let j = 0; j < MARKETS.length; j++) {
      margins = [margins, ...GRID.map((margin) => margins.with(j, margin))].reduce(bestOf(training, kind, rule));
    }
  }
  return margins;
}

type Vector = Float64Array<ArrayBuffer>;

function bestOf(training: Snapshots, kind: Kind, rule: Rule): (a: Vector, b: Vector) => Vector {
  const known = new Map<Vector, number>();
  const score = (margins: Vector) => {
    const found = known.get(margins) ?? meanExecuted(training, { [kind]: margins }, rule);
    known.set(margins, found);
    return found;
  };
  return (a, b) => (score(b) > score(a) ? b : a);
}

/** Halvings of the factor of a margin. */
const HALVINGS = 30;
const MOST = 100;

/**
 * The factor by which haircuts are multiplied so that a trade on the next snapshot executes with probability ≥ 1 − alpha.
 *
 * The ⌈(1 − α)(n + 1)⌉-th smallest over the calibration snapshots of the least factor at which each one's trade executes; exact if
 * snapshots are exchangeable and a larger factor does not undo an execution.
 *
 * @param calibration  snapshots with their true reserves, as they turned out k blocks later or measured better, not trained on
 * @throws certificate if they are too few for alpha
 * @source split conformal prediction with the least factor as the score; Vovk, Gammerman & Shafer 2005
 */
export function conformalFactor(calibration: Snapshots, haircut: ArrayLike<number>, alpha: number): number {
  const rank = Math.ceil((1 - alpha) * (calibration.count + 1));
  if (!(alpha > 0 && alpha < 1) || rank > calibration.count) {
    throw new VouchError("certificate", {
      name: "conformalFactor",
      expected: `at least ${Math.ceil(1 / alpha) - 1} calibration snapshots for alpha ${alpha}`,
      got: `${calibration.count}`,
      remedy: "Calibrate on more snapshots, or ask for a larger alpha.",
    });
  }
  const scores = Array.from({ length: calibration.count }, (_, n) => {
    const works = (factor: number) => {
      const margins = { haircut: Array.from(haircut, (value) => Math.min(1, factor * value)) };
      return executes(exactTrade(rowOf(calibration.observed, n), margins), rowOf(calibration.reserves, n));
    };
    if (works(0)) return 0;
    let [low, high] = [0, MOST];
    for (let halving = 0; halving < HALVINGS; halving++) {
      const middle = (low + high) / 2;
      if (works(middle)) high = middle;
      else low = middle;
    }
    return high;
  });
  return scores.sort((a, b) => a - b)[rank - 1]!;
}
