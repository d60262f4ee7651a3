/**
 * Hands a question from the palette of any page to the page that asks.
 *
 * SECURITY: it travels in this tab's storage and never in an address, so that no link from elsewhere can ask anything.
 */

const KEY = "ask";

/** Leaves `question` for the next page that asks; without storage the user chooses it there again. */
export function handOver(question) {
  try {
    sessionStorage.setItem(KEY, question);
  } catch {
    // The page that asks offers the same recipes.
  }
}

/** Returns the question that was left, once, or "". */
export function takeHandedOver() {
  try {
    const question = sessionStorage.getItem(KEY) ?? "";
    sessionStorage.removeItem(KEY);
    return question;
  } catch {
    return "";
  }
}
