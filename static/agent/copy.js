/** Copies an answer in the forms that the server renders; the same addresses are pages where this cannot be done. */

/** Puts what `link` leads to on the clipboard and returns whether the browser let us. */
export async function copyFrom(link) {
  const { form } = link.dataset;
  try {
    // Promises, not texts: a browser grants the clipboard for the click, not for what a request later brings.
    const parts = { "text/plain": load(link.href) };
    // Slack's editor takes links from rich text only.
    if (form === "slack") parts["text/html"] = load(link.href.replace("/as/slack/", "/as/html/"));
    await navigator.clipboard.write([new ClipboardItem(parts)]);
    return true;
  } catch {
    return false;
  }
}

async function load(href) {
  const answer = await fetch(href, { headers: { Accept: "text/plain" }, credentials: "same-origin", redirect: "error" });
  if (!answer.ok) throw new Error(`no text: ${answer.status}`);
  return answer.text();
}
