/** @file Well-posed by the factors of a matrix of rank one. */

import { notComponentwise, type WellPosedCondition, withConstants } from "./condition.js";

/** A = pqᵀ: |p|ᵀ|q| < 1, which no scaling improves. @source El Ghaoui et al., §3.2 "Well-posed rank-one matrices" */
export const rankOne: WellPosedCondition = {
  name: "rank-one",
  text: "|p|ᵀ|q| < 1, A = pqᵀ",
  iteration: "picard",
  left(subject) {
    const { rows: n, data } = withConstants(subject, "infinity");
    const blocked = notComponentwise(subject);
    if (blocked) return blocked;
    const top = data.reduce((best, value, e) => (Math.abs(value) > Math.abs(data[best]!) ? e : best), 0);
    const pivot = data[top] ?? 0;
    if (pivot === 0) return 0;
    const [row, column] = [Math.floor(top / n), top % n];
    let [trace, rest] = [0, 0];
    for (let i = 0; i < n; i++) {
      const p = data[i * n + column]! / pivot;
      trace += Math.abs(p * data[row * n + i]!);
      for (let j = 0; j < n; j++) rest = Math.max(rest, Math.abs(data[i * n + j]! - p * data[row * n + j]!));
    }
    return rest <= 4 * n * Number.EPSILON * Math.abs(pivot) ? trace : { inapplicable: "A is of higher rank" };
  },
};
