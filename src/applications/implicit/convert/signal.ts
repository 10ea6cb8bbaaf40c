/** @file Networks as signals: affine maps of the input and of states, from which a model is read off. */

import { VouchError } from "../../../errors.js";
import type { Phi, PhiBlock } from "../activations/phi.js";
import { addScaled, type Dense, dense, denseOf, identityDense, times } from "../dense.js";
import { type ImplicitModel, implicitModel } from "../model.js";
import { sparseA } from "../state-matrix.js";

/** Where numbers come from: the input, or the states of an activation. */
interface Source {
  readonly size: number;
  /** Absent of the input. */
  readonly states?: { readonly phi: Phi; readonly before: Signal };
}

/** Σ M_k s_k + bias over sources s_k. */
export interface Signal {
  readonly size: number;
  readonly terms: ReadonlyMap<Source, Dense>;
  readonly bias: Float64Array;
}

/** The input u of p numbers. */
export function inputSignal(p: number): Signal {
  return signalOf({ size: p });
}

function signalOf(source: Source): Signal {
  return {
    size: source.size,
    terms: new Map([[source, identityDense(source.size)]]),
    bias: new Float64Array(source.size),
  };
}

/** Ws + w. @throws shape */
export function affineSignal(W: Dense, s: Signal, w: Float64Array = new Float64Array(W.rows)): Signal {
  if (W.columns !== s.size || w.length !== W.rows) {
    throw new VouchError("shape", {
      name: "affineSignal",
      expected: `a matrix of ${s.size} columns and a constant for each row`,
      got: `[${W.rows}, ${W.columns}] and ${w.length}`,
      remedy: "Check the sizes of the layers: W is [out, in].",
    });
  }
  const bias = times(W, dense(s.size, 1, s.bias)).data;
  return {
    size: W.rows,
    terms: new Map([...s.terms].map(([source, M]) => [source, times(W, M)])),
    bias: bias.map((value, i) => value + w[i]!),
  };
}

/** s + t. @throws shape */
export function addSignals(s: Signal, t: Signal): Signal {
  if (s.size !== t.size) {
    const remedy = "A skip connection needs layers of one size.";
    throw new VouchError("shape", { name: "addSignals", expected: `${s.size} numbers`, got: `${t.size}`, remedy });
  }
  const terms = new Map(s.terms);
  for (const [source, M] of t.terms) {
    const own = terms.get(source);
    terms.set(source, own ? addScaled(1, own, M) : M);
  }
  return { size: s.size, terms, bias: s.bias.map((value, i) => value + t.bias[i]!) };
}

/** Entries of s, in the order given and as often. */
export function pick(s: Signal, places: ArrayLike<number>): Signal {
  return affineSignal(
    denseOf(places.length, s.size, (i, j) => (places[i] === j ? 1 : 0)),
    s,
  );
}

/** φ(s), as states. */
export function activate(phi: Phi, s: Signal): Signal {
  return signalOf({ size: s.size, states: { phi, before: s } });
}

/** One map for all of s. */
export function mapped(s: Signal, map: Layered): Signal {
  return map.map === "linear" ? s : activate([{ ...map, size: s.size } as PhiBlock], s);
}

/** The map of a layer. */
export type Layered =
  | { readonly map: Exclude<PhiBlock["map"], "leaky-relu" | "max-pool" | "product"> }
  | { readonly map: "leaky-relu"; readonly slope: number };

/** s ⊙ t. */
export function multiplySignals(s: Signal, t: Signal): Signal {
  const both = addSignals(embed(s, 0, 2 * s.size), embed(t, s.size, 2 * s.size));
  const made = activate([{ map: "product", size: 2 * s.size }], both);
  return pick(
    made,
    Int32Array.from({ length: s.size }, (_, i) => i),
  );
}

function embed(s: Signal, at: number, size: number): Signal {
  return affineSignal(
    denseOf(size, s.size, (i, j) => (i === at + j ? 1 : 0)),
    s,
  );
}

/**
 * The model of a network: states of all activations that the output depends on, last first, so that A is strictly upper
 * block-triangular; A without its zeros.
 *
 * @throws parameter if a second input is among the sources
 * @source El Ghaoui et al., §2.2
 */
export function modelOf(output: Signal, u: Signal): ImplicitModel {
  const [given] = u.terms.keys();
  const ordered: Source[] = [];
  const seen = new Set<Source>();
  const visit = (s: Signal) => {
    for (const source of s.terms.keys()) {
      if (seen.has(source)) continue;
      seen.add(source);
      if (source.states) visit(source.states.before);
      else if (source !== given) throw foreign();
      if (source.states) ordered.unshift(source);
    }
  };
  visit(output);
  const starts = new Map<Source, number>();
  let n = 0;
  for (const source of ordered) {
    starts.set(source, n);
    n += source.size;
  }
  const [A, B, C, D] = [dense(n, n), dense(n, u.size), dense(output.size, n), dense(output.size, u.size)];
  const stateBias = new Float64Array(n);
  const place = (s: Signal, row: number, states: Dense, inputs: Dense) => {
    for (const [source, M] of s.terms) {
      if (source === given) put(M, inputs, row, 0);
      else put(M, states, row, starts.get(source)!);
    }
  };
  for (const source of ordered) {
    const { before } = source.states!;
    place(before, starts.get(source)!, A, B);
    stateBias.set(before.bias, starts.get(source)!);
  }
  place(output, 0, C, D);
  const phi = ordered.flatMap(({ states }) => states!.phi);
  return implicitModel({ A: sparseA(A), B, C, D, stateBias, outputBias: output.bias, phi });
}

function put(M: Dense, into: Dense, row: number, column: number): void {
  for (let i = 0; i < M.rows; i++) {
    into.data.set(M.data.subarray(i * M.columns, (i + 1) * M.columns), (row + i) * into.columns + column);
  }
}

function foreign(): VouchError {
  return new VouchError("parameter", {
    name: "modelOf",
    expected: "an output that depends on the input given",
    got: "one of another input",
    remedy: "Pick the parts of one input.",
  });
}
