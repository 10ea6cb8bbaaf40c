/** @file WebGPU in Node on a software adapter, so that it is the same on every machine. */

import { existsSync } from "node:fs";

/** SwiftShader as Debian's Chromium brings it. */
const DRIVER = "/usr/lib/chromium/vk_swiftshader_icd.json";

/**
 * Choose the adapter, unless VK_DRIVER_FILES names one: must come before the first session on WebGPU of a process.
 *
 * @returns why there is none; undefined where there is one
 */
export function useSoftwareAdapter(): string | undefined {
  if (process.env["VK_DRIVER_FILES"] !== undefined) return undefined;
  if (!existsSync(DRIVER)) return `no Vulkan driver at ${DRIVER}; set VK_DRIVER_FILES to one`;
  process.env["VK_DRIVER_FILES"] = DRIVER;
  return undefined;
}
