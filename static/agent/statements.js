/** The statements of an answer that cite something: a paragraph, a list's item or a table's cell with links to evidence. */

const STATEMENT = "li, p, td, th, blockquote, h1, h2, h3, h4";

/** Returns the statement that `element` stands in. */
export function statementOf(element) {
  return element.closest(STATEMENT) ?? element.parentElement;
}

/** Returns the statements in `root` that cite something, in reading order. */
export function statementsIn(root) {
  return [...new Set([...root.querySelectorAll("a.evidence")].map(statementOf))];
}

/** Returns the links of `statement` itself; what is nested in it is a statement of its own. */
export function linksOf(statement) {
  return [...statement.querySelectorAll("a.evidence")].filter((link) => statementOf(link) === statement);
}

/** Returns what a reader sees of `statement`, without what the page added to it. */
export function wordsOf(statement) {
  const copy = statement.cloneNode(true);
  for (const added of copy.querySelectorAll("ul, ol, .sr-only, .mark, [data-source]")) added.remove();
  return copy.textContent.replace(/\s+/gu, " ").trim();
}
