// Lets long fields grow with their words in browsers whose stylesheets cannot (field-sizing: content), as WebKit's.
// They never shrink again: the page would jump while somebody deletes. Without this module long fields scroll, and
// their corner can be dragged.

const fields = document.querySelectorAll("textarea");

function grow(field) {
  const missing = field.scrollHeight - field.clientHeight;
  if (missing > 0) field.style.blockSize = `${field.offsetHeight + missing}px`;
}

function growAll() {
  fields.forEach(grow);
}

if (!CSS.supports("field-sizing", "content")) {
  growAll();
  addEventListener("resize", growAll);
  document.addEventListener("input", growAll);
  // Other modules dispatch this when they write into a field.
  document.addEventListener("change", growAll);
  // Rows that are folded away have no height before.
  document.addEventListener("toggle", growAll, { capture: true });
}
