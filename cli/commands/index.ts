/** @file The table of commands. */

import type { Commands } from "../command.js";
import { arbitrageCommand } from "./arbitrage.js";
import { bundleCheck, bundleSeal } from "./bundle.js";
import { calibrateCommand } from "./calibrate.js";
import { card } from "./card.js";
import { checkCommand } from "./check.js";
import { dataDownload } from "./data-download.js";
import { dataSimulate } from "./data-simulate.js";
import { demo } from "./demo.js";
import { evaluateCt } from "./evaluate-ct.js";
import { evaluateDictionaryCommand } from "./evaluate-dictionary.js";
import { evaluateGamesCommand } from "./evaluate-games.js";
import { evaluateImagesCommand } from "./evaluate-images.js";
import { evaluateKnapsackCommand } from "./evaluate-knapsack.js";
import { evaluatePathsCommand } from "./evaluate-paths.js";
import { evaluateTradingCommand } from "./evaluate-trading.js";
import { evaluateTraffic } from "./evaluate-traffic.js";
import { exportCommand } from "./export.js";
import { keygen } from "./keygen.js";
import { logVerify } from "./log-verify.js";
import { reconstruct } from "./reconstruct.js";
import { routeCommand } from "./route.js";
import { trainCtCommand } from "./train-ct.js";
import { trainDictionaryCommand } from "./train-dictionary.js";
import { trainGamesCommand } from "./train-games.js";
import { trainImagesCommand } from "./train-images.js";
import { trainKnapsackCommand } from "./train-knapsack.js";
import { trainPathsCommand } from "./train-paths.js";
import { trainTradingCommand } from "./train-trading.js";
import { trainTradingPublished } from "./train-trading-published.js";
import { tuneCt } from "./tune-ct.js";
import { verifyCommand } from "./verify.js";

export const commands: Commands = {
  demo,
  reconstruct,
  "evaluate ct": evaluateCt,
  "evaluate dictionary": evaluateDictionaryCommand,
  "evaluate games": evaluateGamesCommand,
  "evaluate images": evaluateImagesCommand,
  "evaluate knapsack": evaluateKnapsackCommand,
  "evaluate paths": evaluatePathsCommand,
  "evaluate trading": evaluateTradingCommand,
  "evaluate traffic": evaluateTraffic,
  "train ct": trainCtCommand,
  "train dictionary": trainDictionaryCommand,
  "train games": trainGamesCommand,
  "train images": trainImagesCommand,
  "train knapsack": trainKnapsackCommand,
  "train paths": trainPathsCommand,
  "train trading": trainTradingCommand,
  "train trading-published": trainTradingPublished,
  "tune ct": tuneCt,
  "data simulate": dataSimulate,
  "data download": dataDownload,
  calibrate: calibrateCommand,
  check: checkCommand,
  route: routeCommand,
  arbitrage: arbitrageCommand,
  card,
  keygen,
  verify: verifyCommand,
  "log verify": logVerify,
  export: exportCommand,
  "bundle seal": bundleSeal,
  "bundle check": bundleCheck,
};
