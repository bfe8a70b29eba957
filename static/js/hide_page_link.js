// Hides the page as soon as its cover link is clicked, before the blank page has loaded. Without this module the link
// still opens the blank page.

for (const link of document.querySelectorAll("a[data-cover]")) {
  link.addEventListener("click", (event) => {
    // The blank page opens in another tab or window, and this one stays in use.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    document.documentElement.hidden = true;
  });
}
