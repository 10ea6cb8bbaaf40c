/** @file The table of commands. */

import type { Commands } from "../command.js";
import { calibrateCommand } from "./calibrate.js";
import { demo } from "./demo.js";
import { evaluateCt } from "./evaluate-ct.js";
import { reconstruct } from "./reconstruct.js";
import { trainCtCommand } from "./train-ct.js";

export const commands: Commands = {
  demo,
  reconstruct,
  "evaluate ct": evaluateCt,
  "train ct": trainCtCommand,
  calibrate: calibrateCommand,
};
