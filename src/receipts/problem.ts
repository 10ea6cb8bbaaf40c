/** @file From a statement and its content back to the problem, as graphs with their numbers. */

import { VouchError } from "../errors.js";
import { parseNpy } from "../files/npy.js";
import type { LinearOperator } from "../linear/linear.js";
import type { Problem, ProximableTerm } from "../problem.js";
import { mul } from "../tensor/primitives/elementwise.js";
import { input } from "../tensor/primitives/leaf.js";
import { type Shape, sameShape, showShape, type Tensor, type Value } from "../tensor/tensor.js";
import type { Content } from "../verify/receipt.js";
import type { ArrayStatement, BlockStatement, Predicate } from "../verify/statement.js";
import { functionKinds, operatorKinds, type Parts, propertyKinds } from "./kinds.js";

/** Most multiplications of one pass over the operators: what bounds the time of a verification. A CT model of 128² pixels has 3e7. */
const WORK = 1e9;

export interface Rebuilt {
  readonly problem: Problem;
  /** Numbers of every tensor the problem is made of. */
  readonly values: ReadonlyMap<Tensor, Value>;
}

/** The numbers in a content file. @throws format */
export function readValue(content: Content, digest: string): Value {
  const { shape, data } = parseNpy(content(digest));
  if (!(data instanceof Float32Array || data instanceof Float64Array) || data.length === 0) {
    throw refused("float32 or float64 numbers", `${data.constructor.name} of ${showShape(shape)}`);
  }
  return { shape, data: Float64Array.from(data) };
}

/** @throws format, shape, data where the statement and its content make no problem */
export function rebuild({ problem }: Pick<Predicate, "problem">, content: Content): Rebuilt {
  const x: Shape = ["N", ...problem.x];
  const values = new Map<Tensor, Value>();
  let work = 0;
  const terms = problem.terms.map((term): [string, ProximableTerm] => {
    const made = <T>(what: string, block: BlockStatement, kinds: Readonly<Record<string, (parts: Parts) => T>>) =>
      make(`${term.name}: ${what}`, block, kinds, { x, content, values });
    const prox = made("function", term.function, functionKinds);
    const of = term.operator && made("operator", term.operator, operatorKinds);
    if (of) requireDomain(term.name, of, x);
    work += term.operator ? workOf(term.operator, content, x) : 0;
    if (!(work <= WORK)) throw refused(`operators of at most ${WORK} multiplications`, `${work}`);
    const property = term.property && made("property", term.property, propertyKinds);
    return [term.name, { prox, ...(of ? { of } : {}), ...(property ? { property } : {}) }];
  });
  const names = new Set(terms.map(([name]) => name));
  if (names.size !== terms.length) throw refused("terms of different names", terms.map(([name]) => name).join(", "));
  return { problem: Object.fromEntries(terms), values };
}

interface Making {
  readonly x: Shape;
  readonly content: Content;
  readonly values: Map<Tensor, Value>;
}

function make<T>(
  what: string,
  { kind, numbers, arrays }: BlockStatement,
  kinds: Readonly<Record<string, (parts: Parts) => T>>,
  { x, content, values }: Making,
): T {
  if (!Object.hasOwn(kinds, kind)) {
    throw refused(`${what} of a known kind (${Object.keys(kinds).join(", ")})`, `"${kind}"`);
  }
  const unread = new Set([...Object.keys(numbers), ...Object.keys(arrays)]);
  const pick = <V>(record: Readonly<Record<string, V>>, name: string): V => {
    unread.delete(name);
    if (!Object.hasOwn(record, name)) throw refused(`${what} ${kind} with ${name}`, "none");
    return record[name]!;
  };
  const typed = <V>(name: string, type: new (length: number) => V): V => {
    const { data } = parseNpy(content(pick(arrays, name).sha256));
    if (!(data instanceof type)) throw refused(`${what}: ${name} as ${type.name}`, data.constructor.name);
    return data;
  };
  const block = kinds[kind]!({
    x,
    number: (name) => exact(`${what}: ${name}`, pick(numbers, name)),
    tensor: (name, least) => tensorOf(`${what}: ${name}`, pick(arrays, name), least, content, values),
    int32: (name) => typed(name, Int32Array),
    float32: (name) => typed(name, Float32Array),
  });
  if (unread.size > 0) throw refused(`${what} ${kind} without ${[...unread].join(", ")}`, "what nothing reads");
  return block;
}

function tensorOf(
  what: string,
  { sha256, sample, times }: ArrayStatement,
  least: number | undefined,
  content: Content,
  values: Map<Tensor, Value>,
): Tensor {
  const value = readValue(content, sha256);
  if (sample && value.shape[0] !== 1) throw refused(`${what} of one sample`, showShape(value.shape));
  const factor = times === undefined ? 1 : exact(`${what} times`, times);
  if (least !== undefined && !value.data.every((v) => factor * v >= least)) {
    throw refused(`${what} of numbers ≥ ${least}`, "a smaller one");
  }
  const tensor = input(`content.${sha256}`, sample ? ["N", ...value.shape.slice(1)] : value.shape);
  values.set(tensor, value);
  return times === undefined ? tensor : mul(factor, tensor);
}

/** A number of a block: constants of a graph are float32, so that another would not be the one computed with. */
function exact(what: string, decimal: string): number {
  const value = Number(decimal);
  if (Math.fround(value) === value) return value;
  throw refused(`${what} as a finite float32 value`, decimal);
}

function requireDomain(name: string, { domain }: LinearOperator, x: Shape): void {
  if (!sameShape(domain, x)) throw refused(`an operator of ${name} on ${showShape(x)}`, showShape(domain));
}

function workOf({ kind, arrays }: BlockStatement, content: Content, x: Shape): number {
  const pixels = x.slice(2).reduce<number>((product, n) => product * Number(n), 1);
  const each = kind === "conv2d" ? pixels : 1;
  const numbers = Object.values(arrays).map(({ sha256 }) => parseNpy(content(sha256)).data.length);
  return numbers.reduce(
    (sum, n) => sum + each * n,
    x.slice(1).reduce<number>((p, n) => p * Number(n), 1),
  );
}

export function refused(expected: string, got: string): VouchError {
  return new VouchError("format", {
    name: "verifyReceipt",
    expected,
    got,
    remedy: "The receipt was not made by `attest`, or by a later version of it.",
  });
}
