/** @file What a primitive's `onnx` rule may use to emit its nodes. The engine implements it. */

import type { Tensor } from "./tensor.js";

export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

export interface OnnxBuilder {
  /** Emit one node; returns its output name. Integers become INT attributes, `{ float }` a FLOAT. */
  node(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, OnnxAttribute>>): string;
  /** Emit one node with `count` outputs; returns their names. */
  multiple(
    op: string,
    count: number,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): readonly string[];
  /** int64 constant; a scalar where `shape` is []. */
  int64(data: readonly number[] | Int32Array, shape?: readonly number[]): string;
  /** float32 constant. Arrays above the engine's threshold are fed from outside, so that sessions stay small. */
  float32(data: Float32Array, shape: readonly number[]): string;
  /** int64 [1] tensor holding the run-time value of N. */
  batch(): string;
  /** Lower tensors of a graph, some of which already have names. */
  graph(outputs: readonly Tensor[], bind: ReadonlyMap<Tensor, string>): string[];
  /** ONNX `Loop` over `limit` iterations; the body graph sees the names of this builder. */
  loop(limit: number, initial: readonly string[], body: LoopBody): readonly string[];
}

export interface LoopBody {
  /** Types of the loop-carried values. */
  readonly types: readonly { readonly shape: readonly (number | "N")[]; readonly dtype: "float" | "bool" }[];
  /** Emits the body into `build`; `again` is a bool scalar. */
  emit(build: OnnxBuilder, state: readonly string[]): { readonly again: string; readonly next: readonly string[] };
}
