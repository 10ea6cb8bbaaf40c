/** @file One cost of CT in a fresh process, with its peak memory. Arguments: operator, tv or l2o; pixels a side. */

import { type Cost, costOf } from "./ct-cost.js";

const [cost, size] = process.argv.slice(2) as [Cost, string];
const found = await costOf(cost, Number(size));
console.log(JSON.stringify({ ...found, mb: process.resourceUsage().maxRSS / 1024 }));
