/** @file vouch data download: LoDoPaB-CT, from its record at Zenodo. */

import { existsSync } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { LODOPAB_PARTS, type LodopabPart } from "../../src/applications/ct/lodopab.js";
import { VouchError } from "../../src/errors.js";
import { type Context, command } from "../command.js";
import { download, fetchJson, isWhole, type Wanted } from "../download.js";
import { INTERRUPTED, within } from "../errors.js";
import { makeFolder, writeFileAtomic } from "../files.js";
import { readJson } from "../images.js";
import { list, type Options, text } from "../options.js";
import { dataFile } from "../paths.js";
import { unpack } from "../unpack.js";

/** LoDoPaB-CT, CC BY 4.0, doi 10.5281/zenodo.3384092. */
const RECORD = "https://zenodo.org/api/records/3384092";
const SETS = ["lodopab"];
const PARTS = Object.keys(LODOPAB_PARTS) as LodopabPart[];
const KINDS = ["ground_truth", "observation"] as const;

const record = z.object({
  files: z.array(
    z.object({
      key: z.string(),
      size: z.int().min(1),
      checksum: z.string().regex(/^md5:[0-9a-f]{32}$/),
      links: z.object({ self: z.url() }),
    }),
  ),
});
type Listed = z.infer<typeof record>["files"][number];

export const dataDownload = command({
  summary: "Download LoDoPaB-CT (CC BY 4.0; all of it is 115 GB); what broke off goes on where it was.",
  operand: { name: "set", summary: "lodopab" },
  options: {
    parts: list("Parts of its split.", PARTS, ["test"]),
    kinds: list("Images, or their observations too.", KINDS, ["ground_truth"]),
    out: { ...text("Folder of the files.", "FOLDER", dataFile("lodopab")), shown: "VOUCH_DATA/lodopab" },
    record: text("Where the list of its files is.", "URL", RECORD),
  },
  async run(context) {
    const { name, operand, options, out, signal } = context;
    if (!SETS.includes(operand)) {
      const remedy = "Other images are read from files of your own.";
      throw new VouchError("parameter", { name, expected: SETS.join(" or "), got: `"${operand}"`, remedy });
    }
    await within(`${name}: --out`, () => makeFolder(options.out));
    let files = 0;
    try {
      const listed = await listing(name, options.record, signal);
      for (const key of wantedFiles(options)) {
        const file = listed.find((one) => one.key === key);
        if (file) files += await fetchFile(context, file, join(options.out, key));
        else missing(context, key, listed);
      }
    } catch (error) {
      if (!(error instanceof VouchError && error.code === "cancelled")) throw error;
      out.line(`Stopped. What came is kept in ${options.out}, and the same command goes on from there.`);
      return { figures: { files }, exit: INTERRUPTED };
    }
    out.line(`${files} new files in ${options.out}.`);
    return { figures: { files } };
  },
});

/** Lists of patients first: they are small, and no split can do without. */
function wantedFiles(options: { readonly parts: readonly string[]; readonly kinds: readonly string[] }): string[] {
  const archives = options.parts.flatMap((part) => options.kinds.map((kind) => `${kind}_${part}.zip`));
  return [...options.parts.map(patientList), ...archives];
}

const patientList = (part: string) => `patient_ids_rand_${part}.csv`;

/** @throws file, cancelled; parameter if the address is none; format if there is no list of files at it */
async function listing(name: string, url: string, signal: AbortSignal): Promise<readonly Listed[]> {
  const refuse = (code: "parameter" | "format", expected: string, got: string) =>
    new VouchError(code, { name: `${name}: --record`, expected, got, remedy: `Leave it out for ${RECORD}.` });
  if (!URL.canParse(url)) throw refuse("parameter", "an address, https://…", `"${url}"`);
  const found = record.safeParse(await fetchJson(name, url, signal));
  if (found.success) return found.data.files;
  const [issue] = found.error.issues;
  throw refuse("format", "a list of files with sizes and md5 digests", `${issue!.message} at ${issue!.path.join(".")}`);
}

/** @throws file, unless it is a list of patients: not every version of the record has them */
function missing({ name, out }: Context<Options>, key: string, listed: readonly Listed[]): void {
  if (PARTS.map(patientList).includes(key)) {
    out.line(`${key} is not in the record: each slice will count as its own patient.`);
    return;
  }
  const got = listed.map((file) => file.key).join(", ") || "none";
  throw new VouchError("file", { name, expected: `${key} in the record`, got, remedy: "Leave --record out." });
}

/** Members of an archive that was unpacked, with their bytes. */
const members = z.record(z.string(), z.int());

/** Download and unpack, as far as that is not done; the number of files it came to. */
async function fetchFile(
  { name, out, progress, signal }: Context<Options>,
  file: Listed,
  path: string,
): Promise<number> {
  const { key, size, checksum, links } = file;
  const wanted: Wanted = { url: links.self, path, size, md5: checksum.slice("md5:".length) };
  const unpacks = key.endsWith(".zip");
  const done = `${path}.members.json`;
  if (unpacks && existsSync(done) && (await allThere(dirname(path), await readJson(name, done, members, "members")))) {
    out.line(`${key} is there, unpacked.`);
    return 0;
  }
  if (await isWhole(name, wanted, signal)) {
    out.line(`${key} is there.`);
    if (!unpacks) return 0;
  } else {
    const bar = progress(key, size / 1e6, "MB");
    const watch = { signal, progress: { ...bar, update: (bytes: number) => bar.update(bytes / 1e6) } };
    await download(name, wanted, watch).finally(() => bar.stop());
  }
  if (!unpacks) return 1;
  out.line(`Unpacking ${basename(path)}.`);
  const sizes = await within(name, () => unpack(path, dirname(path), signal));
  // The list of its members takes the place of the archive.
  await writeFileAtomic(done, new TextEncoder().encode(`${JSON.stringify(sizes)}\n`));
  await rm(path);
  return Object.keys(sizes).length;
}

async function allThere(folder: string, sizes: Readonly<Record<string, number>>): Promise<boolean> {
  for (const [file, size] of Object.entries(sizes)) {
    const found = await stat(join(folder, file)).catch(() => undefined);
    if (found?.size !== size) return false;
  }
  return true;
}
