// Empties the page at the tap, before the blank one has come. Without this module the link leads there too.

for (const link of document.querySelectorAll("a[data-cover]")) {
  link.addEventListener("click", (event) => {
    // In another tab, this one stays as it is.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    document.documentElement.hidden = true;
  });
}
