/** @file Verifying a receipt: the signature, every digest from content, every figure from content. */

import { type Hex, sha256Hex } from "./digest.js";
import { open } from "./dsse.js";
import { type Figures, type Predicate, readStatement, type Statement } from "./statement.js";

/** Files of a receipt: the envelope, and content by the name it was found under, the hex SHA-256 it claims to have. */
export interface Bundle {
  readonly envelope: Uint8Array;
  readonly content: ReadonlyMap<string, Uint8Array>;
}

export type ReceiptVerdict = "VERIFIED" | "REFUTED" | "UNVERIFIABLE";

/** One thing that was checked. */
export interface Finding {
  /** "signature", "content 1f3a…", "figures.optimality.gap". */
  readonly what: string;
  readonly verdict: ReceiptVerdict;
  readonly because: string;
  /** Of figures that differ. */
  readonly stated?: string;
  readonly computed?: string;
  /** computed − stated, where both are numbers. */
  readonly difference?: number;
}

export interface VerifiedReceipt {
  /** REFUTED if any finding is, else UNVERIFIABLE if any is, else VERIFIED: all that is stated holds, labels that fail among it. */
  readonly verdict: ReceiptVerdict;
  readonly findings: readonly Finding[];
  /** What a known key signed, whether or not it is true. */
  readonly statement?: Statement;
}

/** Content by a digest that the statement names. */
export type Content = (digest: Hex) => Uint8Array;

/** The figures that content comes to; its errors say why they cannot be computed. */
export type Recompute = (statement: Statement, content: Content) => Figures;

/** Most bytes of all content together, and most files. */
export const CONTENT_LIMITS = { bytes: 1 << 29, files: 256 } as const;

/**
 * Verify a receipt from its files alone: no name or path in it is opened.
 *
 * @param keys  trusted public keys, 32 bytes each
 */
export function verifyReceipt(bundle: Bundle, keys: readonly Uint8Array[], recompute: Recompute): VerifiedReceipt {
  const opened = open(bundle.envelope, keys);
  if (opened.verdict !== "VERIFIED") return concluded([{ what: "signature", ...opened }]);
  const signature = { what: "signature", verdict: "VERIFIED" as const, because: `by ${opened.keyid}` };
  const read = readStatement(opened.payload);
  if (!read.ok) return concluded([signature, { what: "statement", verdict: "UNVERIFIABLE", because: read.because }]);
  const statement = read.value;
  const content = checkContent(bundle.content, digestsOf(statement));
  if (content.some(({ verdict }) => verdict !== "VERIFIED")) return concluded([signature, ...content], statement);
  const figures = checkFigures(statement, bundle.content, recompute);
  return concluded([signature, ...content, ...figures], statement);
}

/** Digests a statement names, each once. */
export function digestsOf({ subject, predicate }: Statement): Hex[] {
  const { problem, inputs, witness, calibration } = predicate;
  const blocks = problem.terms.flatMap((term) =>
    [term.function, term.operator, term.property].filter((b) => b !== undefined),
  );
  const arrays = blocks.flatMap((block) => Object.values(block.arrays).map(({ sha256 }) => sha256));
  const all = [
    subject[0].digest.sha256,
    ...arrays,
    ...Object.values(inputs),
    ...Object.values(witness),
    calibration.sha256,
  ];
  return [...new Set(all)];
}

function checkContent(found: ReadonlyMap<string, Uint8Array>, named: readonly Hex[]): Finding[] {
  const bytes = [...found.values()].reduce((sum, { length }) => sum + length, 0);
  if (found.size > CONTENT_LIMITS.files || bytes > CONTENT_LIMITS.bytes) {
    const because = `${found.size} files of ${bytes} bytes; at most ${CONTENT_LIMITS.files} and ${CONTENT_LIMITS.bytes} are read`;
    return [{ what: "content", verdict: "UNVERIFIABLE", because }];
  }
  const surplus = [...found.keys()].filter((name) => !named.includes(name));
  return [
    ...named.map((digest): Finding => {
      const content = found.get(digest);
      const what = `content ${digest.slice(0, 12)}…`;
      if (content === undefined) return { what, verdict: "UNVERIFIABLE", because: "it is not there" };
      const computed = sha256Hex(content);
      if (computed === digest) return { what, verdict: "VERIFIED", because: `${content.length} bytes` };
      return { what, verdict: "REFUTED", because: "its bytes were changed", stated: digest, computed };
    }),
    ...surplus.map((name): Finding => {
      return { what: `content ${name.slice(0, 12)}…`, verdict: "REFUTED", because: "the statement does not name it" };
    }),
  ];
}

function checkFigures(statement: Statement, found: ReadonlyMap<string, Uint8Array>, recompute: Recompute): Finding[] {
  let computed: Figures;
  try {
    computed = recompute(statement, (digest) => found.get(digest)!);
  } catch (error) {
    // Content is a stranger's: what it breaks is said, and nothing is verified.
    const because = error instanceof Error ? error.message : String(error);
    return [{ what: "figures", verdict: "UNVERIFIABLE", because }];
  }
  const unused = unusedInputs(statement.predicate);
  return [
    ...unused.map((name): Finding => {
      return { what: `input ${name}`, verdict: "UNVERIFIABLE", because: "no term of the problem reads it" };
    }),
    ...compareFigures(statement.predicate.figures, computed),
  ];
}

/** Inputs that no block takes: stated, but bound to nothing. */
function unusedInputs({ inputs, problem }: Predicate): string[] {
  const read = new Set(
    problem.terms.flatMap((term) =>
      [term.function, term.operator, term.property].flatMap((block) =>
        Object.values(block?.arrays ?? {}).map(({ sha256 }) => sha256),
      ),
    ),
  );
  return Object.entries(inputs).flatMap(([name, sha256]) => (read.has(sha256) ? [] : [name]));
}

/** One finding a figure, by path; equal means equal to the last bit. */
export function compareFigures(stated: Figures, computed: Figures): Finding[] {
  const [a, b] = [leaves(stated), leaves(computed)];
  return [...new Set([...a.keys(), ...b.keys()])].map((path): Finding => {
    const [mine, theirs] = [b.get(path), a.get(path)];
    const what = `figures.${path}`;
    if (mine === theirs) return { what, verdict: "VERIFIED", because: mine! };
    const difference = Number(mine) - Number(theirs);
    const pair = { stated: theirs ?? "nothing", computed: mine ?? "nothing" };
    const because = `stated ${pair.stated}, computed ${pair.computed}`;
    return { what, verdict: "REFUTED", because, ...pair, ...(Number.isNaN(difference) ? {} : { difference }) };
  });
}

function leaves(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null) return new Map([[path, `${value}`]]);
  const inside = Object.entries(value).flatMap(([key, part]) => [
    ...leaves(part, path === "" ? key : `${path}.${key}`),
  ]);
  return new Map(inside);
}

function concluded(findings: readonly Finding[], statement?: Statement): VerifiedReceipt {
  const any = (verdict: ReceiptVerdict) => findings.some((finding) => finding.verdict === verdict);
  const verdict = any("REFUTED") ? "REFUTED" : any("UNVERIFIABLE") ? "UNVERIFIABLE" : "VERIFIED";
  return { verdict, findings, ...(statement ? { statement } : {}) };
}
