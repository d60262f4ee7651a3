/** How numbers and codes of a run read to a person. */

import { decimal, gettext, listed, ngettext } from "../shell/words.js";

/** `840 ms`, `6.2 s`, `1 min 5 s`. */
export function duration(ms) {
  if (ms < 950) return gettext("{ms} ms", { ms: Math.round(ms) });
  if (ms < 59_950) return gettext("{seconds} s", { seconds: decimal(ms / 1000) });
  const seconds = Math.round(ms / 1000);
  return gettext("{minutes} min {seconds} s", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });
}

/** `830 B`, `12.4 kB`, `1.2 MB`: the words of the audit timeline. */
export function size(bytes) {
  if (bytes < 1000) return gettext("{size} B", { size: bytes });
  if (bytes < 1_000_000) return gettext("{size} kB", { size: decimal(bytes / 1000) });
  return gettext("{size} MB", { size: decimal(bytes / 1_000_000) });
}

/** `1 item`, `14 items`. */
export function items(number) {
  return ngettext("{number} item", "{number} items", number);
}

/** `$1.23`, `$0.012`, `$0.0004`: what an answer cost, with two digits that count. */
export function cost(microUsd) {
  const usd = microUsd / 1_000_000;
  if (usd >= 1 || usd === 0) return `$${decimal(usd, 2)}`;
  const digits = Number(usd.toPrecision(2)).toFixed(6).replace(/0+$/u, "").length - 2;
  return `$${decimal(usd, digits)}`;
}

const PERMISSIONS = {
  allowed: gettext("allowed"),
  asked: gettext("waiting for your answer"),
  revoked: gettext("refused: revoked"),
  access_paused: gettext("refused: paused by you"),
  not_connected: gettext("refused: not connected"),
  reconnect_required: gettext("refused: needs reconnecting"),
  policy_denied: gettext("refused by a policy"),
  declined: gettext("refused: you said no"),
  not_answered: gettext("refused: nobody answered"),
  failed: gettext("could not be checked, so refused"),
};

/** The gate's answer for one tool call. */
export function permission(state) {
  return PERMISSIONS[state] ?? gettext("refused");
}

const ANSWERS = {
  once: gettext("you said: once"),
  conversation: gettext("you said: in this conversation"),
  always: gettext("you said: always"),
};

/** What was answered to the question of a tool call, where that says more than the gate's answer. */
export function answer(said) {
  return ANSWERS[said] ?? "";
}

const UNREAD = {
  declined: gettext("not read, you said no"),
  not_answered: gettext("not read, nobody answered whether it may be"),
  nothing_asked: gettext("not asked"),
  revoked: gettext("revoked, not read"),
  access_paused: gettext("paused, not read"),
  not_connected: gettext("not connected, not read"),
  reconnect_required: gettext("needs reconnecting, not read"),
  away: gettext("not allowed while you are away, not read"),
  not_granted: gettext("not granted to its schedule, not read"),
};

/** What became of one service in a run. */
export function coverage({ state, items: number, is_partial: isPartial }) {
  if (state !== "read") return UNREAD[state] ?? gettext("could not be read");
  if (!isPartial) return items(number);
  return ngettext("{number} item, read in part", "{number} items, read in part", number);
}

/** What a run did not follow, on one line, or "": the words of `agent/ignored.py`. */
export function ignored({ calls, services, unknown }) {
  const parts = [
    calls && ngettext("{number} call of the model that is not allowed", "{number} calls of the model that are not allowed", calls),
    services.length && gettext("words that somebody hid in {services}", { services: listed(services) }),
    unknown && ngettext("{number} invented citation", "{number} invented citations", unknown),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** The arguments of a tool call on one line: `since: 2026-05-04, limit: 30`. */
export function args(values) {
  const pairs = Object.entries(values ?? {}).filter(([, value]) => value !== null && value !== "");
  if (pairs.length === 0) return gettext("no arguments");
  return pairs.map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
}

/** What a tool call returned, without what was in it: `“Fix upload”, “Retry”, and 12 more; cut`. */
export function result({ titles, items: number, isCut, warnings }) {
  const shown = titles.map((title) => `“${title}”`);
  const rest = number - titles.length;
  if (rest > 0) shown.push(titles.length ? ngettext("and {number} more", "and {number} more", rest) : items(number));
  const cut = isCut ? gettext("more than fits, so it is cut") : "";
  const parts = [shown.join(", ") || gettext("nothing"), cut, ...warnings];
  return parts.filter(Boolean).join(" · ");
}
