/** @file From an inference to a receipt: what is stated of it, and the content that the statement names. */

import type { Calibration } from "./certificates/calibration.js";
import type { Levels } from "./certificates/joint.js";
import { measureProperties } from "./certificates/measure.js";
import type { Float32 } from "./engine/session.js";
import { VouchError } from "./errors.js";
import { formatNpy, type NpyData } from "./files/npy.js";
import { feedParams, type Model, type Trace, type Weights } from "./model.js";
import { isSmooth, type ProximableTerm } from "./problem.js";
import { recompute } from "./receipts/figures.js";
import { gather } from "./solvers/rows.js";
import { graphInputs } from "./tensor/graph.js";
import { interpret } from "./tensor/interpret.js";
import type { Stated } from "./tensor/stated.js";
import type { Tensor } from "./tensor/tensor.js";
import { canonicalBytes } from "./verify/canonical.js";
import { type Hex, sha256Hex } from "./verify/digest.js";
import {
  type ArrayStatement,
  type BlockStatement,
  type Figures,
  PREDICATE_TYPE,
  STATEMENT_TYPE,
  type Statement,
} from "./verify/statement.js";

export interface AttestOptions {
  readonly model: Model;
  readonly weights: Weights;
  /** By name, each [N, …]. */
  readonly data: Readonly<Record<string, Float32>>;
  /** As in a Solution with its proofs: [N, …]. */
  readonly x: Float32;
  readonly duals: Readonly<Record<string, Float32>>;
  /** Which sample. */
  readonly row: number;
  readonly calibration: Calibration;
  /** Default 0.05 and 0.1. */
  readonly levels?: Levels;
  /** Stated, not proven: how x was found, and version of the code. */
  readonly run: { readonly status: string; readonly steps: number };
  readonly version: string;
  /** Digest of the receipt before this one in a log. */
  readonly previous?: Hex | null;
}

export interface Attested {
  readonly statement: Statement;
  /** Files by the hex SHA-256 of their bytes. */
  readonly content: ReadonlyMap<Hex, Uint8Array>;
}

/** Canonical bytes of a statement: what is signed. */
export function payloadOf(statement: Statement): Uint8Array {
  return canonicalBytes(statement);
}

/** The statement as it follows another receipt of a log. */
export function following(statement: Statement, previous: Hex | null): Statement {
  return { ...statement, predicate: { ...statement.predicate, previous } };
}

/**
 * State what is proven and labelled of one sample of a batch.
 *
 * The figures are those a verifier computes from the content, and are compared with the model's own.
 *
 * @throws certificate if a block of the model has no stated form, or states another property than the model measures
 */
export function attest(options: AttestOptions): Attested {
  const {
    model,
    weights,
    row,
    calibration,
    levels = { fail: 0.05, warning: 0.1 },
    run,
    version,
    previous = null,
  } = options;
  const content = new Map<Hex, Uint8Array>();
  const store = (bytes: Uint8Array): Hex => {
    const digest = sha256Hex(bytes);
    content.set(digest, bytes);
    return digest;
  };
  const array = (shape: readonly number[], data: NpyData) => store(formatNpy({ shape, data }));
  const sample = (batch: Float32) => gather(batch, [row]);
  const traced = model.trace();
  const data = Object.fromEntries(Object.entries(options.data).map(([name, values]) => [name, sample(values)]));
  const x = sample(options.x);
  const write = writer(traced, weights, data, array);
  const terms = Object.entries(traced.problem).map(([name, term]) => {
    if (isSmooth(term)) throw unstated(name, term.smooth.name);
    return { name, ...statedTerm(name, term, write) };
  });
  const { prior, slack } = model.dual ?? {};
  const problem = {
    x: x.shape.slice(1),
    terms,
    ...(prior === undefined ? {} : { prior: `${prior}` }),
    ...(slack === undefined ? {} : { slack: decimals(slack) }),
  };
  const subject: Statement["subject"] = [{ name: "x", digest: { sha256: array(x.shape, x.data) } }];
  const digests = (batch: Readonly<Record<string, Float32>>) =>
    Object.fromEntries(Object.entries(batch).map(([name, one]) => [name, array(one.shape, one.data)]));
  const predicate: Omit<Statement["predicate"], "figures"> = {
    version: 1,
    code: { vouch: version },
    run: { model: model.name, ...run },
    problem,
    inputs: digests(data),
    witness: digests(Object.fromEntries(Object.entries(options.duals).map(([name, y]) => [name, sample(y)]))),
    calibration: {
      sha256: store(canonicalBytes(calibration)),
      commitment: calibration.commitment.slice("sha256:".length),
    },
    levels: { fail: `${levels.fail}`, warning: `${levels.warning}` },
    previous,
  };
  const stated = (figures: Figures): Statement => {
    return { _type: STATEMENT_TYPE, subject, predicateType: PREDICATE_TYPE, predicate: { ...predicate, figures } };
  };
  const figures = recompute(stated(NOTHING), (digest) => content.get(digest)!);
  const own = measureProperties(model, weights, data, x)[0]!;
  for (const [name, { value }] of Object.entries(figures.labels)) requireSame(name, own[name]!.value, Number(value));
  return { statement: stated(figures), content };
}

const NOTHING: Figures = {
  optimality: { verdict: "UNVERIFIABLE", reason: "not computed" },
  labels: {},
  joint: { verdict: "REFUSED", enough: 0 },
};

/** Of a property with parameters as the problem reads them, and with these rounded to float32. */
const AGREEMENT = 1e-6;

type Write = (what: string, stated: Stated | undefined) => BlockStatement;

function statedTerm(name: string, { prox, of, property }: ProximableTerm, write: Write) {
  return {
    function: write(`${name} (${prox.name})`, prox.stated),
    ...(of ? { operator: write(`${name} (${of.name})`, of.stated) } : {}),
    ...(property ? { property: write(`${name} (${property.kind})`, property.stated) } : {}),
  };
}

/** Writes blocks with their arrays as this sample and these weights make them. */
function writer(
  { params, data: declared }: Trace,
  weights: Weights,
  data: Readonly<Record<string, Float32>>,
  store: (shape: readonly number[], data: NpyData) => Hex,
): Write {
  const given = Object.fromEntries(Object.entries(data).map(([name, values]) => [`data.${name}`, values]));
  const feeds = { ...feedParams(weights), ...given };
  const inputs = new Map(Object.entries(declared).map(([name, tensor]) => [tensor, data[name]!]));
  const learned = new Set(Object.values(params));
  const evaluate = (tensor: Tensor) => interpret([tensor], feeds)[0]!;
  const stateTensor = (tensor: Tensor): ArrayStatement => {
    const batched = tensor.shape[0] === "N";
    const known = inputs.get(tensor);
    if (known) return { sha256: store(known.shape, known.data), sample: batched };
    const scaled = scaledInput(tensor, inputs);
    if (scaled) {
      const { shape, data: values } = inputs.get(scaled.input)!;
      return { sha256: store(shape, values), sample: batched, times: `${evaluate(scaled.factor).data[0]}` };
    }
    const { shape, data: values } = evaluate(tensor);
    // Parameters are proven as the problem reads them, rounded to float32; what is made of data keeps every bit.
    const fixed = graphInputs([tensor]).every((source) => learned.has(source));
    return { sha256: store(shape, fixed ? Float32Array.from(values) : values), sample: batched };
  };
  return (what, stated) => {
    if (stated === undefined) throw unstated(what, what);
    const tensors = Object.entries(stated.tensors ?? {}).map(([name, tensor]) => [name, stateTensor(tensor)] as const);
    const arrays = Object.entries(stated.arrays ?? {}).map(
      ([name, one]) => [name, { sha256: store(one.shape, one.data), sample: false }] as const,
    );
    const numbers = Object.entries(stated.numbers ?? {}).map(([name, value]) => [name, Math.fround(value)] as const);
    return {
      kind: stated.kind,
      numbers: decimals(Object.fromEntries(numbers)),
      arrays: Object.fromEntries([...tensors, ...arrays]),
    };
  };
}

/** c · d with c a scalar constant and d data: ρδ of a noise ball. */
function scaledInput({ node }: Tensor, inputs: ReadonlyMap<Tensor, Float32>) {
  if (node.primitive.name !== "mul") return undefined;
  const [a, b] = node.inputs as [Tensor, Tensor];
  const isScalar = ({ node: { primitive }, shape }: Tensor) => primitive.name === "constant" && shape.length === 0;
  if (isScalar(a) && inputs.has(b)) return { factor: a, input: b };
  return isScalar(b) && inputs.has(a) ? { factor: b, input: a } : undefined;
}

function decimals(numbers: Readonly<Record<string, number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, `${value}`]));
}

function requireSame(name: string, own: number, stated: number): void {
  if (Object.is(own, stated) || Math.abs(own - stated) <= AGREEMENT * Math.max(Math.abs(own), Math.abs(stated))) return;
  throw new VouchError("certificate", {
    name: `attest: "${name}"`,
    expected: `the model's property value ${own}`,
    got: `${stated} from its stated form`,
    remedy: "Give the term's property with a stated form of its own.",
  });
}

function unstated(name: string, block: string): VouchError {
  return new VouchError("certificate", {
    name: `attest: "${name}"`,
    expected: "a block with a stated form",
    got: block,
    remedy: "Receipts know the kinds of src/receipts/kinds.ts; give the block `stated` and add its row there.",
  });
}
