/** @file A model as one .onnx file: data in; answers, statuses, property values, p-values and labels out. */

import type { Calibration } from "../certificates/calibration.js";
import { type CertifiedGraph, certifiedGraph } from "../certificates/certified-graph.js";
import type { Levels } from "../certificates/joint.js";
import { conformalLabel, type Labeller } from "../certificates/labels.js";
import { labels } from "../certificates/ranks.js";
import { formatStandalone, type StandaloneOutput } from "../engine/standalone.js";
import { VouchError } from "../errors.js";
import { DEFAULT_CHUNK, feedParams, type Model, requireWeights, violatedConditions, type Weights } from "../model.js";
import type { ChunkShape } from "../solvers/chunk.js";
import { defaultSolver } from "../solvers/default.js";
import { requirePositive, STOP } from "../solvers/solve.js";
import type { Solver } from "../solvers/solver.js";
import { type Limits, statuses } from "../solvers/whole.js";
import { constantFrontier, substitute } from "../tensor/graph.js";
import { interpret } from "../tensor/interpret.js";
import { constantView, input } from "../tensor/primitives/leaf.js";
import type { Tensor } from "../tensor/tensor.js";
import { sha256Hex } from "../verify/digest.js";
import { VERSION } from "../version.js";
import { formatOnnxMetadata, sealed } from "./onnx-metadata.js";
import { formatSafetensors } from "./safetensors.js";

export interface ExportOptions extends Partial<Limits> {
  readonly calibration: Calibration;
  /** A rule of ranks; default conformalLabel at its default levels. */
  readonly label?: Labeller;
  /** Of the joint test; default 0.05 and 0.1. */
  readonly levels?: Partial<Levels>;
  /** Default: see `defaultSolver`. */
  readonly solver?: Solver;
  /** Default as `compileModel`'s. */
  readonly chunk?: ChunkShape;
  /** What the numbers of the data and of x are, in words, by name: "attenuation, 1 is 81.4/m". */
  readonly units?: Readonly<Record<string, string>>;
  /** Further entries of the file's metadata; keys that begin with "vouch" are taken. */
  readonly notes?: Readonly<Record<string, string>>;
}

/**
 * The bytes of an .onnx file (operator set 18) that any ONNX runtime runs without Vouch: equal models give equal bytes.
 *
 * Inputs are the model's data by name. Outputs, with N samples along axis 0:
 *
 *     x [N, …]                        the answer
 *     status, steps [N] int32         places in the metadata's list of statuses; steps taken
 *     residual.NAME [N]               relative KKT residuals at the last test
 *     value.TERM, p.TERM [N]          property values, and p-values where the labeller gives them
 *     label.TERM [N] int32            places in the metadata's list of labels; label.convergence too
 *     p.joint, label.joint [N]        of all properties together; absent where N cannot support the level
 *     trustworthy [N] int32           1 where every label is pass but the joint one's, as in `infer`
 *
 * The file does what `infer` does, in the float32 of whatever runs it, where `infer` certifies in float64. Nothing is proven or
 * repaired: there is no `optimality`.
 *
 * @throws certificate if a term has no calibration, or too few for the levels; parameter if the labeller is not one of ranks;
 * problem if names collide; shape if the weights do not fit
 */
export function exportOnnx(model: Model, weights: Weights, options: ExportOptions): Uint8Array {
  const { calibration, units = {}, notes = {}, label = conformalLabel, levels = {} } = options;
  const { tolerance = STOP.tolerance, maxSteps = STOP.maxSteps } = options;
  requirePositive("exportOnnx: tolerance", tolerance);
  requirePositive("exportOnnx: maxSteps", maxSteps);
  requireWeights("exportOnnx", model, weights);
  const traced = model.trace();
  const { solver = defaultSolver(traced.operator), chunk = DEFAULT_CHUNK } = options;
  const graph = certifiedGraph(traced, { calibration, label, levels, solver, chunk, tolerance, maxSteps });
  const outputs = named(graph, units);
  const inputs = Object.entries(model.data).map(([name, shape]) => ({
    ...{ name, tensor: input(name, shape) },
    doc: units[name] ?? "data of the model",
  }));
  requireDistinct([...outputs, ...inputs]);
  const tensors = folded(
    substitute(
      outputs.map(({ tensor }) => tensor),
      new Map(inputs.map(({ name, tensor }) => [traced.data[name]!, tensor])),
    ),
    inputs.map(({ tensor }) => tensor),
    weights,
  );
  const bytes = formatStandalone({
    inputs,
    outputs: outputs.map((output, i) => ({ ...output, tensor: tensors[i]! })),
    producerVersion: VERSION,
    docString: `${model.name}: answers with certificates. What the codes mean is in the metadata, under "vouch".`,
    metadata: {
      ...notes,
      ...formatOnnxMetadata({
        ...{ version: VERSION, model: model.name, statuses, labels, units },
        data: Object.fromEntries(Object.entries(model.data).map(([name, shape]) => [name, [...shape]])),
        weights: `sha256:${sha256Hex(formatSafetensors(weights, {}))}`,
        calibration: calibration.commitment,
        reference: calibration.reference,
        trusted: calibration.samples.length,
        solve: { splitting: traced.operator.name, solver: solver.name, tolerance, maxSteps, ...chunk },
        violated: violatedConditions(traced.operator, weights),
      }),
    },
  });
  return sealed(bytes);
}

/** The outputs of the file, in order. */
function named(graph: CertifiedGraph, units: Readonly<Record<string, string>>): StandaloneOutput[] {
  const { x, status, steps, residual, terms, convergence, joint, trustworthy } = graph;
  const labelled = [
    ...terms,
    { term: "convergence", label: convergence },
    ...(joint ? [{ term: "joint", ...joint }] : []),
  ];
  return [
    { name: "x", tensor: x, doc: units["x"] ?? "the answer" },
    { name: "status", tensor: status, doc: listed(statuses), whole: true },
    { name: "steps", tensor: steps, doc: "solver steps taken", whole: true },
    ...Object.entries(residual).map(([name, tensor]) => ({
      ...{ name: `residual.${name}`, tensor },
      doc: "relative KKT residual at the last test",
    })),
    ...terms.map(({ term, kind, value }) => ({ name: `value.${term}`, tensor: value, doc: kind })),
    ...labelled.flatMap((one) =>
      "p" in one && one.p ? [{ name: `p.${one.term}`, tensor: one.p, doc: "conformal p-value" }] : [],
    ),
    ...labelled.map(({ term, label }) => ({
      ...{ name: `label.${term}`, tensor: label, whole: true },
      doc: listed(labels),
    })),
    { name: "trustworthy", tensor: trustworthy, doc: "1 where all labels of terms and convergence pass", whole: true },
  ];
}

function listed(words: readonly string[]): string {
  return words.map((word, code) => `${code} ${word}`).join(", ");
}

function requireDistinct(ports: readonly { readonly name: string }[]): void {
  const names = ports.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new VouchError("problem", {
    name: "exportOnnx",
    expected: "data and terms whose names are not those of outputs",
    got: `"${twice}" twice`,
    remedy: "Rename the data or the term.",
  });
}

/** What is made of weights alone, evaluated in float64 and rounded: the same bytes on every machine. */
function folded(outputs: readonly Tensor[], variable: readonly Tensor[], weights: Weights): Tensor[] {
  const fixed = constantFrontier(outputs, new Set(variable));
  const values = interpret(fixed, feedParams(weights));
  const constants = values.map(({ data, shape }) => constantView(Float32Array.from(data), shape));
  return substitute(outputs, new Map(fixed.map((tensor, i) => [tensor, constants[i]!])));
}
