/** The page's one polite voice for screen readers: it collects what happens and speaks at most once a second. */

const QUIET_MS = 1000;

const waiting = new Set();
let timer = 0;

function speak() {
  document.querySelector("[data-announcer]").textContent = [...waiting].join(" ");
  waiting.clear();
  timer = 0;
}

/** Says `text` to whoever listens; what comes within the same second is said together. */
export function announce(text) {
  waiting.add(text);
  timer ||= setTimeout(speak, QUIET_MS);
}
