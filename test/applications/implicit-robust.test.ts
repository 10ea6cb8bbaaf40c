/** @file Robustness of implicit models: bounds no attack breaks, bounds too small that attacks do break, and refusals. */

import { describe, expect, it } from "vitest";
import { lpSolver } from "../../cli/highs.js";
import { type Dense, denseOf } from "../../src/applications/implicit/dense.js";
import { type ImplicitModel, implicitModel, sizesOf } from "../../src/applications/implicit/model.js";
import { predict } from "../../src/applications/implicit/predict.js";
import {
  attacked,
  projectedGradient,
  randomCorners,
  sparseAttack,
} from "../../src/applications/implicit/robust/attacks.js";
import { type InputSet, inputBox, sparseInputs, uniform } from "../../src/applications/implicit/robust/input-set.js";
import { type LpSolver, linearMargins } from "../../src/applications/implicit/robust/linear-relaxation.js";
import { majorant } from "../../src/applications/implicit/robust/majorant.js";
import {
  certified,
  intervalMargins,
  type MarginBounds,
  sensitivityMargins,
} from "../../src/applications/implicit/robust/margins.js";
import { noRecourse, recourseMargins } from "../../src/applications/implicit/robust/recourse.js";
import { sensitivityMatrix } from "../../src/applications/implicit/robust/sensitivity.js";
import { stateBoxes } from "../../src/applications/implicit/robust/state-box.js";
import { random } from "../../src/random.js";

const highs = await lpSolver();

/** n states, p inputs, 3 outputs, ‖A‖_∞ = κ. */
function model(n: number, p: number, kappa: number, seed: number): ImplicitModel {
  const draws = random(seed);
  const normal = (rows: number, columns: number, scale: number) => denseOf(rows, columns, () => scale * draws.normal());
  const raw = normal(n, n, 1);
  const A = denseOf(n, n, (i, j) => {
    const row = raw.data.subarray(i * n, (i + 1) * n);
    return (kappa * raw.data[i * n + j]!) / row.reduce((sum, value) => sum + Math.abs(value), 0);
  });
  return implicitModel({
    ...{ A, B: normal(n, p, 1), C: normal(3, n, 1), D: normal(3, p, 0.3), phi: [{ map: "relu", size: n }] },
    stateBias: normal(n, 1, 0.5).data,
    outputBias: normal(3, 1, 0.5).data,
  });
}

const inputs = (p: number, seed: number) => {
  const draws = random(seed).fork("u");
  return Float64Array.from({ length: p }, () => draws.uniform());
};
const row = (u: Float64Array): Dense => ({ rows: 1, columns: u.length, data: u });
const argmax = (values: Float64Array) => values.indexOf(Math.max(...values));
const boxOf = (p: number, sigma: number) => inputBox(uniform(p, sigma));

/** R = G = B/2. */
const halves = ({ B }: ImplicitModel) => {
  const M = { ...B, data: B.data.map((value) => value / 2) };
  return { R: M, G: M };
};

const methods: Readonly<Record<string, (set: Parameters<typeof intervalMargins>[0]) => MarginBounds>> = {
  interval: intervalMargins,
  sensitivity: sensitivityMargins,
  lp: (boxes) => linearMargins(boxes, highs),
  counterpart: (boxes) => recourseMargins(boxes, noRecourse(boxes.model)),
  recourse: (boxes) => recourseMargins(boxes, halves(boxes.model)),
};

/** Least margin over perturbations of the set: corners, sparse moves and projected gradients. */
function worstMargin(m: ImplicitModel, u: Float64Array, y: number, k: number, set: InputSet, seed: number): number {
  const draws = random(seed);
  const { p, q } = sizesOf(m);
  const target = attacked(m);
  const tried: Float64Array[] = [u];
  for (let t = 0; t < 20; t++) {
    const delta = set.sigma.map((s) => (draws.uniform() < 0.5 ? -s : s));
    const moving = set.most === undefined ? p : Math.floor(set.most);
    const kept = new Set([...draws.permutation(p)].slice(0, moving));
    tried.push(u.map((value, j) => (kept.has(j) ? value + delta[j]! : value)));
  }
  let at = u;
  for (let step = 0; step < 10; step++) {
    const { slopes } = target.slopes(row(at), [y], [k]);
    const order = [...slopes.data.keys()].sort(
      (a, b) => Math.abs(slopes.data[b]! * set.sigma[b]!) - Math.abs(slopes.data[a]! * set.sigma[a]!),
    );
    const kept = new Set(order.slice(0, set.most === undefined ? p : Math.floor(set.most)));
    at = u.map((value, j) => (kept.has(j) ? value - set.sigma[j]! * Math.sign(slopes.data[j]!) : value));
    tried.push(at);
  }
  const U: Dense = { rows: tried.length, columns: p, data: Float64Array.from(tried.flatMap((one) => [...one])) };
  const Y = target.outputs(U).data;
  return Math.min(...tried.map((_, s) => Y[s * q + y]! - Y[s * q + k]!));
}

/** Rounding of the attacked outputs themselves. */
const EVALUATION = 1e-11;

describe.each(Object.entries(methods))("%s margins", (_, method) => {
  it.each([
    ["a box", (p: number) => boxOf(p, 0.1)],
    ["a box with fixed inputs", (p: number) => inputBox(Float64Array.from({ length: p }, (__, j) => (j % 2) * 0.2))],
    ["a sparse set", (p: number) => sparseInputs(uniform(p, 0.3), 2)],
  ])("are not broken by any attack in %s, and are near enough to matter", (__, setOf) => {
    let [cases, near] = [0, 0];
    for (let seed = 0; seed < 12; seed++) {
      const m = model(8, 6, [0.1, 0.9][seed % 2]!, seed);
      const set = setOf(6);
      const bounds = method(stateBoxes(m, set));
      const u = inputs(6, seed);
      const y = argmax(predict(m, row(u)).Y.data);
      const found = bounds.of(stateBoxes(m, set).of(u), y);
      for (let k = 0; k < 3; k++) {
        if (k === y) continue;
        const worst = worstMargin(m, u, y, k, set, seed);
        const nominal = predict(m, row(u)).Y.data;
        expect(found[k]!).toBeLessThanOrEqual(worst + EVALUATION);
        cases++;
        // A bound with a third of the room is broken where attacks come further than that.
        const margin = nominal[y]! - nominal[k]!;
        if (worst < margin - (margin - found[k]!) / 3 - EVALUATION) near++;
      }
    }
    expect(cases).toBe(24);
    expect(near).toBeGreaterThan(0);
  });

  it("at σ = 0 are the margins of the prediction, to rounding", () => {
    const m = model(8, 6, 0.8, 3);
    const u = inputs(6, 4);
    const y = argmax(predict(m, row(u)).Y.data);
    const boxes = stateBoxes(m, boxOf(6, 0));
    const Y = predict(m, row(u)).Y.data;
    method(boxes)
      .of(boxes.of(u), y)
      .forEach((bound, k) => {
        if (k === y) return;
        expect(bound).toBeLessThanOrEqual(Y[y]! - Y[k]! + EVALUATION);
        expect(bound).toBeGreaterThan(Y[y]! - Y[k]! - 1e-8);
      });
  });
});

it("the linear program is never below intervals or sensitivity by more than its rounding, and is above both somewhere", () => {
  let above = 0;
  for (let seed = 0; seed < 8; seed++) {
    const m = model(10, 6, 0.8, 50 + seed);
    const boxes = stateBoxes(m, boxOf(6, 0.1));
    const box = boxes.of(inputs(6, seed));
    const [interval, sensitivity, lp] = Object.values(methods).map((method) => method(boxes).of(box, 0));
    for (const k of [1, 2]) {
      const other = Math.max(interval![k]!, sensitivity![k]!);
      expect(lp![k]!).toBeGreaterThan(interval![k]! - 1e-6);
      if (lp![k]! > other + 1e-3) above++;
    }
  }
  expect(above).toBeGreaterThan(4);
});

it("nothing rests on the solver of linear programs: any dual vector gives a bound", () => {
  const draws = random(9);
  const wrong: LpSolver = ({ G }, costs) => costs.map(() => Float64Array.from(G, () => 2 * draws.normal()));
  for (let seed = 0; seed < 6; seed++) {
    const m = model(8, 6, 0.8, seed);
    const set = boxOf(6, 0.1);
    const boxes = stateBoxes(m, set);
    const u = inputs(6, seed);
    const found = linearMargins(boxes, wrong).of(boxes.of(u), 0);
    for (const k of [1, 2]) expect(found[k]!).toBeLessThanOrEqual(worstMargin(m, u, 0, k, set, seed) + EVALUATION);
  }
});

describe("sensitivity", () => {
  it("bounds every output along any move, and a third of it does not", () => {
    let broken = 0;
    for (let seed = 0; seed < 20; seed++) {
      const m = model(6, 4, 0.3, seed);
      const S = sensitivityMatrix(m);
      const draws = random(seed).fork("moves");
      for (let t = 0; t < 20; t++) {
        const [a, b] = [inputs(4, 100 + t), inputs(4, 200 + t)].map((u) => u.map((v) => v + draws.normal()));
        const [ya, yb] = [a!, b!].map((u) => predict(m, row(u)).Y.data);
        for (let k = 0; k < 3; k++) {
          const bound = a!.reduce((sum, value, j) => sum + S.data[k * 4 + j]! * Math.abs(value - b![j]!), 0);
          const change = Math.abs(ya![k]! - yb![k]!);
          expect(change).toBeLessThanOrEqual(bound + EVALUATION);
          if (change > bound / 3) broken++;
        }
      }
    }
    expect(broken).toBeGreaterThan(0);
  });

  it("is |C||B| + |D| without feedback, up to rounding", () => {
    const m = model(5, 4, 0, 1);
    const still = implicitModel({ ...m, A: denseOf(5, 5, () => 0) });
    const S = sensitivityMatrix(still);
    S.data.forEach((value, e) => {
      const [k, j] = [Math.floor(e / 4), e % 4];
      let exact = Math.abs(m.D.data[e]!);
      for (let i = 0; i < 5; i++) exact += Math.abs(m.C.data[k * 5 + i]! * m.B.data[i * 4 + j]!);
      expect(value).toBeGreaterThanOrEqual(exact);
      expect(value).toBeLessThan(exact * (1 + 1e-9));
    });
  });

  it("a majorant is above the solution it stands for, and an ill-posed A has none", () => {
    const m = model(6, 4, 0.95, 2);
    const b = Float64Array.from({ length: 6 }, (_, i) => i);
    const s = majorant(m.A as Dense, b);
    let exact = b;
    for (let k = 0; k < 2000; k++) {
      exact = b.map(
        (value, i) => value + exact.reduce((t, x, j) => t + Math.abs((m.A as Dense).data[6 * i + j]!) * x, 0),
      );
    }
    s.forEach((value, i) => {
      expect(value).toBeGreaterThanOrEqual(exact[i]! * (1 - 1e-14));
      expect(value).toBeLessThan(exact[i]! * (1 + 1e-6) + 1e-9);
    });
    expect(() =>
      majorant(
        denseOf(2, 2, () => 0.5),
        Float64Array.of(1, 1),
      ),
    ).toThrow(expect.objectContaining({ code: "parameter" }));
  });
});

describe("attacks", () => {
  const m = model(8, 6, 0.8, 5);
  const target = attacked(m);
  const U: Dense = { rows: 4, columns: 6, data: Float64Array.from([0, 1, 2, 3].flatMap((s) => [...inputs(6, s)])) };

  it("have the gradient of the difference", () => {
    const { slopes } = target.slopes(U, [0, 1, 2, 0], [1, 2, 0, 2]);
    const margin = (data: Float64Array) => {
      const Y = target.outputs({ ...U, data }).data;
      return [Y[0]! - Y[1]!, Y[4]! - Y[5]!, Y[8]! - Y[6]!, Y[9]! - Y[11]!];
    };
    for (let e = 0; e < 24; e++) {
      const moved = (by: number) => margin(U.data.map((value, i) => (i === e ? value + by : value)));
      const s = Math.floor(e / 6);
      const numeric = (moved(1e-6)[s]! - moved(-1e-6)[s]!) / 2e-6;
      expect(Math.abs(slopes.data[e]! - numeric)).toBeLessThan(1e-4 * (1 + Math.abs(numeric)));
    }
  });

  it("stay in their box, and projected gradients come further than random corners", () => {
    const y = [0, 1, 2, 0];
    const margins = (moved: Dense) => {
      const Y = target.outputs(moved).data;
      return y.map(
        (label, s) => Y[3 * s + label]! - Math.max(...[0, 1, 2].flatMap((k) => (k === label ? [] : [Y[3 * s + k]!]))),
      );
    };
    const gradient = projectedGradient(target, U, y, 0.1, { steps: 10, random: random(1) });
    const corners = randomCorners(U, 0.1, random(1));
    for (const moved of [gradient, corners]) {
      moved.data.forEach((value, e) => {
        expect(Math.abs(value - U.data[e]!)).toBeLessThanOrEqual(0.1);
      });
    }
    margins(gradient).forEach((margin, s) => {
      expect(margin).toBeLessThanOrEqual(margins(corners)[s]! + 1e-9);
    });
  });

  it("a sparse attack moves that many inputs to an end", () => {
    const moved = sparseAttack(target, U, [0, 1, 2, 0], 2, (_, __, slope) => Math.abs(slope));
    const changed = [0, 1, 2, 3].map(
      (s) => [0, 1, 2, 3, 4, 5].filter((j) => moved.data[6 * s + j] !== U.data[6 * s + j]).length,
    );
    expect(changed).toEqual([2, 2, 2, 2]);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])("a budget of %d is refused by name", (sigma) => {
    for (const attack of [
      () => projectedGradient(target, U, [0, 0, 0, 0], sigma, { steps: 1, random: random(1) }),
      () => randomCorners(U, sigma, random(1)),
      () => inputBox(uniform(6, sigma)),
      () => sparseInputs(uniform(6, 1), sigma),
    ]) {
      expect(attack).toThrow(expect.objectContaining({ code: "parameter" }));
      expect(attack).toThrow(`${sigma}`);
    }
  });
});

it("certified is every margin above 0", () => {
  expect(certified(Float64Array.of(Number.POSITIVE_INFINITY, 1e-9))).toBe(true);
  expect(certified(Float64Array.of(Number.POSITIVE_INFINITY, 0))).toBe(false);
  expect(certified(Float64Array.of(Number.POSITIVE_INFINITY, Number.NaN))).toBe(false);
});

it("maps that round or mix states are refused", () => {
  const m = model(6, 4, 0.5, 1);
  expect(() => stateBoxes({ ...m, phi: [{ map: "tanh", size: 6 }] }, boxOf(4, 0.1))).toThrow("ReLU");
  expect(() => sensitivityMatrix({ ...m, phi: [{ map: "softmax", size: 6 }] })).toThrow("softmax");
  expect(() => stateBoxes(m, boxOf(5, 0.1))).toThrow(expect.objectContaining({ code: "shape" }));
});
