/** @file The symbolic, immutable tensor: a shape, a dtype and the primitive application that produces it. */

import { VouchError } from "../errors.js";
import type { OnnxBuilder } from "./lowering.js";
import type { Enclosed } from "./rounding.js";

/** Numbers are float32 in the engine and float64 in the interpreter. */
export type DType = "float" | "bool";

/** `"N"` is the sample axis: symbolic, allowed on axis 0 only. */
export type Dim = number | "N";
export type Shape = readonly Dim[];

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Concrete array: row-major float64, booleans as 0 and 1. */
export interface Value {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** One row of the primitive table: the rules of a primitive, in one place. */
export interface Primitive<A = unknown> {
  readonly name: string;
  /** Uses only + − × ÷ √ min max compare in a fixed order: bit-identical on every IEEE 754 machine. */
  readonly exact: boolean;
  /** Output types, or a VouchError in the caller's words. */
  shape(inputs: readonly Tensor[], attributes: A): readonly TensorType[];
  /** Cotangents of the inputs from those of the outputs, as graphs; undefined where none flows. */
  vjp(node: Node<A>, cotangents: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[];
  /** Emits ONNX nodes and returns the names of the outputs. */
  onnx(build: OnnxBuilder, inputs: readonly string[], node: Node<A>): readonly string[];
  /** Plain float64 evaluation; `batch` is the run-time value of N. */
  eval64(inputs: readonly Value[], node: Node<A>, batch: number): readonly Value[];
  /** What eval64 lost to rounding, given what its inputs lost: what makes an exact primitive fit for proofs. */
  readonly enclose?: (inputs: readonly Enclosed[], outputs: readonly Value[], node: Node<A>) => readonly Enclosed[];
}

export interface Node<A = unknown> {
  readonly primitive: Primitive<A>;
  readonly inputs: readonly Tensor[];
  readonly attributes: A;
  readonly outputs: readonly Tensor[];
}

export interface Tensor extends TensorType {
  readonly node: Node;
  /** Which output of `node`. */
  readonly index: number;
}

/** Apply a primitive: the only way to make a tensor. */
export function applyAll<A>(primitive: Primitive<A>, inputs: readonly Tensor[], attributes: A): readonly Tensor[] {
  const types = primitive.shape(inputs, attributes);
  const outputs: Tensor[] = [];
  const node: Node<A> = { primitive, inputs, attributes, outputs };
  types.forEach((type, index) => {
    if (type.shape.some((dim, axis) => dim === "N" && axis > 0)) {
      throw shapeError(primitive.name, "the sample axis N on axis 0 alone", showShape(type.shape));
    }
    outputs.push({ shape: type.shape, dtype: type.dtype, node: node as Node, index });
  });
  return outputs;
}

/** `applyAll` for a primitive with one output. */
export function apply<A>(primitive: Primitive<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  return applyAll(primitive, inputs, attributes)[0]!;
}

export function showShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dim, i) => dim === b[i]);
}

export function shapeError(
  name: string,
  expected: string,
  got: string,
  remedy = "Check the shapes where these arrays meet.",
) {
  return new VouchError("shape", { name, expected, got, remedy });
}

/** Number of elements of a shape without its sample axis. */
export function elements(shape: Shape): number {
  return shape.reduce<number>((product, dim) => (dim === "N" ? product : product * dim), 1);
}

/** Shape at run time. */
export function concrete(shape: Shape, batch: number): number[] {
  if (shape[0] === "N" && !Number.isInteger(batch)) {
    throw shapeError(
      "interpret",
      "a batched input that fixes N",
      "none",
      "Feed at least one input with a sample axis.",
    );
  }
  return shape.map((dim) => (dim === "N" ? batch : dim));
}
