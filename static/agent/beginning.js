/** Where a briefing begins, if its user chooses that: a wall time in their zone becomes the instant that is asked for. */

import { gettext } from "../shell/words.js";
import { part } from "./dom.js";

const DAY_MS = 86_400_000;

/** Calls `ask(instant)`, an ISO 8601 instant, with what is chosen in the form, and says what is wrong with it. */
export function offerBeginning(form, ask) {
  const field = form.querySelector("input");
  const zone = form.dataset.timeZone || new Intl.DateTimeFormat().resolvedOptions().timeZone;
  part(form, "zone").textContent = zone;

  // A page may stay open for days: what can be chosen is that of the moment.
  const bound = () => {
    field.min = wallTime(Date.now() - Number(form.dataset.longestDays) * DAY_MS, zone);
    field.max = wallTime(Date.now(), zone);
  };
  const complain = (sentence) => {
    part(form, "wrong").textContent = sentence;
    if (sentence) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  };
  field.addEventListener("focus", bound);
  field.addEventListener("input", () => complain(""));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    bound();
    complain(wrongWith(field.validity, form.dataset.longestDays));
    if (field.hasAttribute("aria-invalid")) field.focus();
    else ask(instantOf(field.value, zone));
  });
}

function wrongWith({ rangeOverflow, rangeUnderflow, valid }, days) {
  if (rangeOverflow) return gettext("That is still to come. Choose a time that is over.");
  if (rangeUnderflow) return gettext("A briefing reaches back {days} days at most. Choose a later time.", { days });
  return valid ? "" : gettext("Choose a day and a time.");
}

/** What a clock in the zone shows at an instant, as a field of a time writes it: `2026-11-20T09:12`. */
function wallTime(ms, zone) {
  const options = { timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };
  const written = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", options).formatToParts(ms);
  const { year, month, day, hour, minute } = Object.fromEntries(written.map(({ type, value }) => [type, value]));
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** The instant at which a clock in the zone shows that; where clocks are changed, one that is near it. */
function instantOf(wall, zone) {
  const asUTC = Date.parse(`${wall}Z`);
  const offsetAt = (ms) => Date.parse(`${wallTime(ms, zone)}Z`) - ms;
  // The offset at the same reading of a clock in UTC may be that of the other side of a change, so it is asked twice.
  return new Date(asUTC - offsetAt(asUTC - offsetAt(asUTC))).toISOString();
}
