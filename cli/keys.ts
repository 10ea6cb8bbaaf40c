/** @file Signing keys as files: ed25519 in PEM, as OpenSSL reads and writes them. */

import { randomBytes } from "node:crypto";
import { chmod, open, stat } from "node:fs/promises";
import { VouchError } from "../src/errors.js";
import { publicKeyOf } from "../src/receipts/index.js";
import { readFileOrExplain } from "./files.js";

/** DER before the 32 bytes of a key. @source RFC 8410, §4 and §7 */
const der = {
  "PUBLIC KEY": Buffer.from("302a300506032b6570032100", "hex"),
  "PRIVATE KEY": Buffer.from("302e020100300506032b657004220420", "hex"),
} as const;
type Kind = keyof typeof der;

/** Files of at most this many bytes are keys. */
const LIMIT = 1 << 16;

/** A new key: secret at `path`, readable by its owner alone, public at `path`.pub. @throws file if either is there */
export async function makeKey(path: string): Promise<Uint8Array> {
  const secret = randomBytes(32);
  await writeNew(path, pem("PRIVATE KEY", secret), 0o600);
  const publicKey = publicKeyOf(secret);
  await writeNew(`${path}.pub`, pem("PUBLIC KEY", publicKey), 0o644);
  secret.fill(0);
  return publicKey;
}

/** The secret key of a file. @throws file; format; parameter if others than its owner may read it */
export async function readSecretKey(name: string, path: string): Promise<Uint8Array> {
  const [secret] = await readKeys(name, path, "PRIVATE KEY");
  const { mode } = await stat(path);
  if (process.platform !== "win32" && (mode & 0o077) !== 0) {
    throw new VouchError("parameter", {
      name,
      expected: `${path} to be readable by its owner alone`,
      got: `mode ${(mode & 0o777).toString(8)}`,
      remedy: `Say chmod 600 ${path}; if others could read it, make a new key.`,
    });
  }
  return secret!;
}

/** The trusted public keys of a file, one or several. @throws file, format */
export function readPublicKeys(name: string, path: string): Promise<Uint8Array[]> {
  return readKeys(name, path, "PUBLIC KEY");
}

async function readKeys(name: string, path: string, kind: Kind): Promise<Uint8Array[]> {
  const bytes = await readFileOrExplain(path, `an ed25519 ${kind.toLowerCase()} (PEM)`);
  const text = bytes.length <= LIMIT ? new TextDecoder().decode(bytes) : "";
  const blocks = [
    ...text.matchAll(new RegExp(`-----BEGIN ${kind}-----\\s+([A-Za-z0-9+/=\\s]+?)-----END ${kind}-----`, "g")),
  ];
  const keys = blocks.map(([, base64]) => Buffer.from(base64!, "base64"));
  const lead = der[kind];
  if (
    keys.length > 0 &&
    keys.every((key) => key.length === lead.length + 32 && key.subarray(0, lead.length).equals(lead))
  ) {
    return keys.map((key) => new Uint8Array(key.subarray(lead.length)));
  }
  throw new VouchError("format", {
    name,
    expected: `an ed25519 ${kind.toLowerCase()} in PEM at ${path}`,
    got: text.includes("PRIVATE KEY") && kind === "PUBLIC KEY" ? "a private key" : "something else",
    remedy: kind === "PUBLIC KEY" ? "Give the .pub file of the signer." : "Make one with `vouch keygen`.",
  });
}

function pem(kind: Kind, key: Uint8Array): string {
  const base64 = Buffer.concat([der[kind], key]).toString("base64");
  return `-----BEGIN ${kind}-----\n${base64}\n-----END ${kind}-----\n`;
}

/** Written to a file that was not there, with its mode from the first moment on. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const handle = await open(path, "wx", mode);
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    // The umask may have taken more away than it should, never less.
    await chmod(path, mode);
  } catch (error) {
    const exists = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw new VouchError("file", {
      name: "vouch keygen",
      expected: `no file at ${path}, in a folder that can be written`,
      got: exists ? "a file" : error instanceof Error ? error.message : String(error),
      remedy: "Keys are never overwritten: choose another name.",
    });
  }
}
