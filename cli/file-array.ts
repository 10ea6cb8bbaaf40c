/** @file What the readers of files return, and what they are asked for. */

import type { NpyArray } from "../src/files/npy.js";
import type { Scan } from "./scans.js";

/** What patients are for. */
export type Use = "training" | "calibration" | "test";

/** An array, and what its file says of it. */
export interface FileArray extends NpyArray {
  /** Whose body each slice shows. */
  readonly patients?: readonly string[];
  /** What each slice is for. */
  readonly uses?: readonly Use[];
  /** What sinograms were made with. */
  readonly scan?: Scan;
  /** Standard deviation of the noise of sinograms over their mean measurement. */
  readonly noise?: number;
}

export interface Wanted {
  /** What the file should hold, in the user's words. */
  readonly what: string;
  /** Side in pixels that slices of medical formats are shrunk to. */
  readonly size: number;
  /** Which array of several in a .npz, the first that is there. */
  readonly members: readonly ("images" | "sinograms")[];
  /** Of a folder with files for several uses, those for this one; default all. */
  readonly use?: Use;
}
