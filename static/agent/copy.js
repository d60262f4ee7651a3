/** Copies an answer: as HTML where the target takes it, and as plain text that reads well in a chat. */

/** Puts `answer` on the clipboard and returns whether the browser let us. */
export async function copyAnswer(answer) {
  const clean = answer.cloneNode(true);
  for (const extra of clean.querySelectorAll(".mark, .sr-only")) extra.remove();
  try {
    await navigator.clipboard.write([
      new ClipboardItem({
        "text/html": new Blob([clean.innerHTML], { type: "text/html" }),
        "text/plain": new Blob([asText(clean)], { type: "text/plain" }),
      }),
    ]);
    return true;
  } catch {
    return false;
  }
}

/** Returns an answer as plain text: headings on lines of their own, list items with a dash, links with their address. */
export function asText(element) {
  return [...element.children].flatMap(linesOf).join("\n").replace(/\n{3,}/gu, "\n\n").trim();
}

function linesOf(element) {
  if (element.matches("h1, h2, h3, h4")) return ["", inline(element), ""];
  if (element.matches("ul, ol")) return [...listLines(element), ""];
  if (element.matches("pre")) return [element.textContent, ""];
  if (element.matches("table")) return [...[...element.rows].map((row) => [...row.cells].map(inline).join(" | ")), ""];
  if (element.matches("div, blockquote")) return [...element.children].flatMap(linesOf);
  return [inline(element), ""];
}

function listLines(list) {
  return [...list.children].flatMap((item, index) => {
    const nested = [...item.querySelectorAll(":scope > :is(ul, ol)")];
    const text = item.cloneNode(true);
    for (const inner of text.querySelectorAll("ul, ol")) inner.remove();
    const bullet = list.matches("ol") ? `${index + 1}.` : "-";
    return [`${bullet} ${inline(text)}`, ...nested.flatMap(listLines).map((line) => `  ${line}`)];
  });
}

function inline(element) {
  const copy = element.cloneNode(true);
  for (const link of copy.querySelectorAll("a[href]")) link.append(` (${link.href})`);
  return copy.textContent.replace(/\s+/gu, " ").trim();
}
