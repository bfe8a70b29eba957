// Hides the page at once when it is to be covered, before the blank page has loaded. Without this module the link opens
// the blank page all the same.

for (const link of document.querySelectorAll("a[data-cover]")) {
  link.addEventListener("click", (event) => {
    // The blank page opens in another tab or window, and this one stays in use.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    document.documentElement.hidden = true;
  });
}
