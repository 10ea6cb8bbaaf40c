/** @file Games as the user names them: drawn ones of a size, or a file of the user's own. */

import { z } from "zod";
import {
  drawGames,
  type GameData,
  type GameSplit,
  readGames,
  type SolveGame,
} from "../src/applications/decisions/games/data.js";
import { nashEquilibrium } from "../src/applications/decisions/games/nash.js";
import { quantalEquilibrium } from "../src/applications/decisions/games/quantal.js";
import { within } from "./errors.js";
import { mipSolver } from "./highs.js";
import { readJson } from "./images.js";
import { choice, integer, text } from "./options.js";

export const gameDataOptions = {
  size: integer("Actions of each player in drawn games; 100 take minutes to solve.", 10, { min: 2, max: 200 }),
  data: {
    ...text("Contexts, and what the first player pays in each game.", "FILE.json", undefined),
    shown: "drawn games",
  },
  train: integer("Contexts to train on, the first ones.", 2000, { min: 2 }),
  equilibrium: choice("What is predicted; nash takes the package highs.", ["quantal", "nash"], "quantal"),
} as const;

/** Games with their equilibria, and the words for a card. @throws file, format, data, convergence; engine without the package highs */
export async function gameData(
  name: string,
  { size, data, equilibrium }: { size: number; data: string | undefined; equilibrium: "quantal" | "nash" },
  split: Omit<GameSplit, "solve">,
): Promise<{ games: GameData; source: string }> {
  const solve = await solverOf(equilibrium);
  const what = equilibrium === "nash" ? "Nash equilibria" : "quantal response equilibria at temperature 1";
  if (data === undefined) {
    const games = drawGames(size, { ...split, solve });
    return { games, source: `${what}, games drawn with alternating signs, seed 2024` };
  }
  const json = await readJson(name, data, z.unknown(), "contexts with games");
  const games = await within(`${name} ${data}`, async () => readGames(json, { ...split, solve }));
  return { games, source: `${what}, games of ${data}` };
}

async function solverOf(equilibrium: "quantal" | "nash"): Promise<SolveGame> {
  if (equilibrium === "quantal") return (game) => quantalEquilibrium(game);
  const solver = await mipSolver();
  return (game) => nashEquilibrium(game, solver);
}
