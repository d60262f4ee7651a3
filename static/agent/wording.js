/** How numbers and codes of a run read to a person. No DOM here. */

const grouped = new Intl.NumberFormat("en");

/** `840 ms`, `6.2 s`, `1 min 5 s`. */
export function duration(ms) {
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `830 B`, `12.4 kB`, `1.2 MB`: the words of the audit timeline. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `1 item`, `14 items`. */
export function count(number, noun) {
  return `${grouped.format(number)} ${noun}${number === 1 ? "" : "s"}`;
}

const PERMISSIONS = {
  allowed: "allowed",
  revoked: "refused: revoked by you",
  not_connected: "refused: not connected",
  reconnect_required: "refused: needs reconnecting",
  policy_denied: "refused by a policy",
  failed: "could not be checked, so refused",
};

/** The gate's answer for one tool call. */
export function permission(state) {
  return PERMISSIONS[state] ?? "refused";
}

const UNREAD = {
  nothing_asked: "not asked",
  revoked: "revoked, not read",
  not_connected: "not connected, not read",
  reconnect_required: "needs reconnecting, not read",
};

/** What became of one service in a run. */
export function coverage({ state, items, is_partial: isPartial }) {
  if (state === "read") return `${count(items, "item")}${isPartial ? ", read in part" : ""}`;
  return UNREAD[state] ?? "could not be read";
}

/** The arguments of a tool call on one line: `since: 2026-05-04, limit: 30`. */
export function args(values) {
  const pairs = Object.entries(values ?? {}).filter(([, value]) => value !== null && value !== "");
  if (pairs.length === 0) return "no arguments";
  return pairs.map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
}

/** What a tool call returned, without what was in it: `“Fix upload”, “Retry”, and 12 more; cut`. */
export function result({ titles, items, isCut, warnings }) {
  const shown = titles.map((title) => `“${title}”`);
  if (items > titles.length) shown.push(titles.length ? `and ${items - titles.length} more` : count(items, "item"));
  const parts = [shown.join(", ") || "nothing", isCut ? "more than fits, so it is cut" : "", ...warnings];
  return parts.filter(Boolean).join(" · ");
}
