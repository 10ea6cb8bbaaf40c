/** @file An implicit model: x = φ(Ax + Bu + b), ŷ = Cx + Du + d, as a plain record, its checks and its file. */

import { z } from "zod";
import type { Float32 } from "../../engine/session.js";
import { VouchError } from "../../errors.js";
import { formatSafetensors, parseSafetensors } from "../../files/safetensors.js";
import { MAPS, type Phi, type PhiBlock, requirePhi } from "./activations/phi.js";
import { type Dense, dense } from "./dense.js";
import { entriesOf, requireStateMatrix, type StateMatrix } from "./state-matrix.js";

/**
 * n states, p inputs, q outputs.
 *
 * deviates: the constants b, d stand beside B, D instead of in the column of a constant input 1, because no perturbation of the
 * input and no selection of features may touch that column.
 *
 * @source El Ghaoui et al., Implicit Deep Learning, eq. (1)
 */
export interface ImplicitModel {
  readonly A: StateMatrix;
  /** [n, p] */
  readonly B: Dense;
  /** [q, n] */
  readonly C: Dense;
  /** [q, p] */
  readonly D: Dense;
  /** b, [n]. */
  readonly stateBias: Float64Array;
  /** d, [q]. */
  readonly outputBias: Float64Array;
  readonly phi: Phi;
}

/** What a model is made of: D and the constants are zero where they are left out. */
export interface ImplicitParts extends Pick<ImplicitModel, "A" | "B" | "C" | "phi"> {
  readonly D?: Dense;
  readonly stateBias?: Float64Array;
  readonly outputBias?: Float64Array;
}

/** Sizes of a model: states, inputs, outputs. */
export function sizesOf({ B, C }: Pick<ImplicitModel, "B" | "C">): { n: number; p: number; q: number } {
  return { n: B.rows, p: B.columns, q: C.rows };
}

/**
 * A checked model. Whether it is well-posed is another question: see `wellPosedness`.
 *
 * @throws shape, parameter or data naming the part that does not fit or is not finite
 */
export function implicitModel(parts: ImplicitParts): ImplicitModel {
  return checked("implicitModel", parts);
}

function checked(name: string, { A, B, C, phi, ...rest }: ImplicitParts): ImplicitModel {
  const { n, p, q } = sizesOf({ B, C });
  const model = {
    ...{ A, B, C, phi },
    D: rest.D ?? dense(q, p),
    stateBias: rest.stateBias ?? new Float64Array(n),
    outputBias: rest.outputBias ?? new Float64Array(q),
  };
  requireStateMatrix(name, A, n);
  requirePhi(name, phi, n);
  requireMatrix(name, "B", B, [n, p]);
  requireMatrix(name, "C", C, [q, n]);
  requireMatrix(name, "D", model.D, [q, p]);
  requireMatrix(name, "stateBias", dense(model.stateBias.length, 1, model.stateBias), [n, 1]);
  requireMatrix(name, "outputBias", dense(model.outputBias.length, 1, model.outputBias), [q, 1]);
  for (const values of entriesOf(A)) requireFinite(name, "A", values);
  return model;
}

function requireMatrix(name: string, part: string, { rows, columns, data }: Dense, [m, k]: [number, number]): void {
  if (rows !== m || columns !== k || data.length !== m * k) {
    throw new VouchError("shape", {
      name: `${name}: ${part}`,
      expected: `[${m}, ${k}]`,
      got: `[${rows}, ${columns}] of ${data.length} entries`,
      remedy: "B is [n, p], C [q, n], D [q, p] for n states, p inputs and q outputs.",
    });
  }
  requireFinite(name, part, data);
}

function requireFinite(name: string, part: string, data: Float64Array): void {
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new VouchError("data", {
    name: `${name}: ${part}`,
    expected: "finite entries",
    got: `${data[bad]} at ${bad}`,
    remedy: "Repair or retrain the model.",
  });
}

const blockSchema = z.union([
  z.object({ map: z.literal("leaky-relu"), size: z.int(), slope: z.number() }),
  z.object({ map: z.enum(MAPS.filter((map) => map !== "leaky-relu") as [string, ...string[]]), size: z.int() }),
]);
const manifestSchema = z.object({
  model: z.literal("implicit"),
  card: z.record(z.string(), z.string()).default({}),
});

/** A model with what its file says of it to people. */
export interface ImplicitFile {
  readonly model: ImplicitModel;
  readonly card: Readonly<Record<string, string>>;
}

/**
 * Write a model as the bytes of a .safetensors file.
 *
 * Entries are rounded to float32, as in every file of weights: the model of a file is the exact widening of what it holds.
 */
export function formatImplicit({ model, card }: ImplicitFile): Uint8Array {
  const { A, B, C, D, stateBias, outputBias, phi } = model;
  const matrix = ({ rows, columns, data }: Dense): Float32 => ({
    shape: [rows, columns],
    data: Float32Array.from(data),
  });
  const vector = (data: ArrayLike<number>): Float32 => ({ shape: [data.length], data: Float32Array.from(data) });
  const parts =
    A.kind === undefined
      ? { A: matrix(A) }
      : A.kind === "low-rank"
        ? { "A.L": matrix(A.L), "A.R": matrix(A.R) }
        : { "A.indptr": vector(A.indptr), "A.indices": vector(A.indices), "A.values": vector(A.values) };
  return formatSafetensors(
    { ...parts, B: matrix(B), C: matrix(C), D: matrix(D), b: vector(stateBias), d: vector(outputBias) },
    { vouch: JSON.stringify({ model: "implicit", options: {}, card, trainedOn: [] }), phi: JSON.stringify(phi) },
  );
}

/** Read what `formatImplicit` wrote. @throws format; shape, parameter or data as `implicitModel` */
export function parseImplicit(bytes: Uint8Array): ImplicitFile {
  const { tensors, metadata } = parseSafetensors(bytes);
  const manifest = manifestSchema.safeParse(json(metadata["vouch"]));
  const phi = z.array(blockSchema).safeParse(json(metadata["phi"]));
  if (!manifest.success) throw notImplicit("a manifest of an implicit model", metadata["vouch"] ?? "none");
  if (!phi.success) throw notImplicit("the maps of its states", metadata["phi"] ?? "none");
  const need = (name: string, rank: number) => {
    const found = tensors[name];
    if (found?.shape.length === rank) return found;
    throw notImplicit(`${name} of ${rank} axes`, found === undefined ? "none" : `[${found.shape}]`);
  };
  const matrix = (name: string) => {
    const { shape, data } = need(name, 2);
    return dense(shape[0]!, shape[1]!, Float64Array.from(data));
  };
  const vector = (name: string) => Float64Array.from(need(name, 1).data);
  const A: StateMatrix =
    "A.L" in tensors
      ? { kind: "low-rank", L: matrix("A.L"), R: matrix("A.R") }
      : "A.values" in tensors
        ? {
            ...{ kind: "sparse", n: need("B", 2).shape[0]! },
            ...{ indptr: Int32Array.from(vector("A.indptr")), indices: Int32Array.from(vector("A.indices")) },
            values: vector("A.values"),
          }
        : matrix("A");
  const model = checked("parseImplicit", {
    ...{ A, B: matrix("B"), C: matrix("C"), D: matrix("D") },
    ...{ stateBias: vector("b"), outputBias: vector("d"), phi: phi.data as PhiBlock[] },
  });
  return { model, card: manifest.data.card };
}

function json(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch (cause) {
    throw notImplicit("metadata of JSON", String(cause));
  }
}

function notImplicit(expected: string, got: string): VouchError {
  return new VouchError("format", {
    name: "parseImplicit",
    expected: `a .safetensors file with ${expected}`,
    got: got.slice(0, 80),
    remedy: "Pass a file that `formatImplicit` made.",
  });
}
