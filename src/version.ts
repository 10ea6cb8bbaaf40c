/** @file The version of this package, for files that say who wrote them. */

export const VERSION = "0.1.0";
