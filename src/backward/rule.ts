/** @file What a backward rule is. */

import type { Operator } from "../operator.js";
import type { Tree } from "../tensor/tree.js";

/** From a numeric fixed point z* (cut from any graph), a point equal to it whose graph carries the rule's gradient. */
export type BackwardRule = (T: Operator, zStar: Tree) => Tree;
