/** @file The table of backward rules. */

import { jfb } from "../../src/backward/jfb.js";
import type { BackwardRule } from "../../src/backward/rule.js";

export interface BackwardCase {
  readonly factory: string;
  readonly title: string;
  readonly rule: BackwardRule;
  /** Least cosine with the gradient of the whole solve on the toys. */
  readonly cosine: number;
  /** Least and most length over that gradient's; absent where the rule claims a direction alone. */
  readonly length?: readonly [number, number];
}

export const backwardCases: readonly BackwardCase[] = [{ factory: "jfb", title: "", rule: jfb, cosine: 0.1 }];
