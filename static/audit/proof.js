/** Checks that an event is in the signed log, from what the server says and nothing it concludes. No page is touched. */

const SIGNATURE_TYPE = 1;
const encoder = new TextEncoder();

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
}

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const isSame = (left, right) => left.length === right.length && left.every((byte, index) => byte === right[index]);
const inner = (left, right) => sha256(Uint8Array.of(1), left, right);
const half = (number) => Math.floor(number / 2);
const isOdd = (number) => number % 2 === 1;

/** Returns the root that a leaf's path leads to, or nothing for a path that does not fit (RFC 9162 section 2.1.3.2). */
async function rootOf(leaf, { position, size, path }) {
  let [place, last, found] = [position, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return new Uint8Array();
    if (isOdd(place) || place === last) {
      found = await inner(sibling, found);
      while (place > 0 && !isOdd(place)) [place, last] = [half(place), half(last)];
    } else {
      found = await inner(found, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 ? found : new Uint8Array();
}

/** Tells whether one of the keys (`name+hash+key`) signed the note; undefined without keys or without Ed25519 here. */
async function isSigned(text, signatures, verifiers) {
  if (!verifiers.length) return undefined;
  for (const verifier of verifiers) {
    const [name, hash, encoded] = verifier.split(/\+(.{8})\+/);
    const raw = fromBase64(encoded);
    let key;
    try {
      if (raw[0] !== SIGNATURE_TYPE) continue;
      key = await crypto.subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
    } catch {
      return undefined;
    }
    for (const line of signatures) {
      const [, signer, signed] = line.split(" ");
      const bytes = fromBase64(signed);
      if (signer !== name || !isSame(bytes.slice(0, 4), fromHex(hash))) continue;
      return crypto.subtle.verify({ name: "Ed25519" }, key, bytes.slice(4), encoder.encode(text));
    }
  }
  return false;
}

/** Returns what a checkpoint says and whether it is signed. Source: https://c2sp.org/tlog-checkpoint. */
export async function openNote(note, verifiers) {
  const end = note.lastIndexOf("\n\n");
  const text = note.slice(0, end + 1);
  const [, size, root] = text.split("\n");
  const signatures = note.slice(end + 2).trimEnd().split("\n");
  return { size: Number(size), root: fromBase64(root), isSigned: await isSigned(text, signatures, verifiers) };
}

/** Tells whether the event of a proof is a leaf of the tree that a checkpoint speaks of. */
export async function isIncluded(proof, { size, root }) {
  // What `JSON.stringify` writes is what was sealed (audit/encoding.py).
  const leaf = await sha256(Uint8Array.of(0), fromHex(proof.nonce), encoder.encode(JSON.stringify(proof.event)));
  const path = proof.path.map(fromBase64);
  return proof.position < size && isSame(await rootOf(leaf, { position: proof.position, size, path }), root);
}
