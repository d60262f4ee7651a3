/** The timeline's button: checks each event on the page against the signed log, here, and says what it found. */

import { announce } from "../shell/announcer.js";
import { gettext, ngettext } from "../shell/words.js";
import { isIncluded, openNote } from "./proof.js";

const panel = document.querySelector("[data-seal]");
const button = panel?.querySelector("[data-verify]");
const verdict = panel?.querySelector("[data-verdict]");

/** Tells whether a proof is about the event as the page shows it: columns of audit/encoding.py. */
function isShown(event, row) {
  const [id, occurredAt, name, outcome] = event;
  const { number, event: shownName, outcome: shownOutcome } = row.dataset;
  const shownAt = row.querySelector("time").dateTime;
  const isSameTime = Date.parse(occurredAt) === Date.parse(shownAt);
  return String(id) === number && name === shownName && outcome === shownOutcome && isSameTime;
}

/** Returns `right`, `unsealed` or `wrong`, and notes whether the checkpoint's signature could be checked. */
async function check(row, seen) {
  const response = await fetch(`${panel.dataset.timeline}${row.dataset.number}/proof`, { headers: { Accept: "application/json" } });
  if (response.status === 404) return Number(row.dataset.number) > Number(panel.dataset.sealedTo) ? "unsealed" : "wrong";
  if (!response.ok) throw new Error(`proof answered ${response.status}`);
  const proof = await response.json();
  const checkpoint = await openNote(proof.note, proof.verifiers);
  seen.size = Math.max(seen.size, checkpoint.size);
  if (checkpoint.isSigned === undefined) seen.isSignatureUnknown = true;
  const isRight = isShown(proof.event, row) && (await isIncluded(proof, checkpoint));
  return isRight && checkpoint.isSigned !== false ? "right" : "wrong";
}

function sentenceOf(counts, wrong, seen) {
  if (wrong.length) return gettext("Not what was sealed: {numbers}. Tell whoever runs this installation.", { numbers: wrong.join(", ") });
  const parts = [gettext("{right} of {all} events are in the signed log of {size}.", { right: counts.right, all: counts.right + counts.unsealed, size: seen.size })];
  if (counts.unsealed) parts.push(ngettext("{number} newer than the log: try again in a second.", "{number} newer than the log: try again in a second.", counts.unsealed));
  if (seen.isSignatureUnknown) parts.push(gettext("The signature itself could not be checked here."));
  return parts.join(" ");
}

function show(sentence, tone) {
  verdict.dataset.tone = tone;
  verdict.textContent = sentence;
  announce(sentence);
}

async function verifyAll() {
  button.disabled = true;
  const rows = [...document.querySelectorAll(".event")];
  const [counts, wrong, seen] = [{ right: 0, unsealed: 0, wrong: 0 }, [], { size: 0, isSignatureUnknown: false }];
  try {
    for (const [index, row] of rows.entries()) {
      const found = await check(row, seen);
      counts[found] += 1;
      if (found === "wrong") {
        wrong.push(gettext("number {number}", { number: row.dataset.number }));
        row.open = true;
      }
      verdict.textContent = gettext("Checking {done} of {total}", { done: index + 1, total: rows.length });
    }
    show(sentenceOf(counts, wrong, seen), wrong.length ? "bad" : "good");
  } catch {
    show(gettext("The events could not be checked. Try again."), "caution");
  }
  button.disabled = false;
}

// Without `crypto.subtle` (an address without TLS) there is nothing to check with, and the button stays away.
if (button && globalThis.crypto?.subtle) {
  button.hidden = false;
  button.addEventListener("click", verifyAll);
}
