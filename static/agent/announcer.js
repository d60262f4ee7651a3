/** The page's one polite voice for screen readers: it collects what happens and speaks at most once a second. */

const QUIET_MS = 1000;

/** Returns `announce(text)`, which says its texts in `status`, an element with `role="status"`. */
export function makeAnnouncer(status) {
  const waiting = new Set();
  let timer = 0;
  const speak = () => {
    status.textContent = [...waiting].join(" ");
    waiting.clear();
    timer = 0;
  };
  return (text) => {
    waiting.add(text);
    timer ||= setTimeout(speak, QUIET_MS);
  };
}
