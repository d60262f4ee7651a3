/** Parts of pages, as the server renders them. */

/**
 * Asks for a part of a page and returns it as a document, in which no script runs; nothing where there is none.
 * SECURITY: it is our own page's markup, as the server's templates escaped it, and no text becomes markup here.
 */
export function load(url) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", url);
    request.responseType = "document";
    request.addEventListener("loadend", () => resolve(request.status === 200 ? request.response : null));
    request.send();
  });
}
