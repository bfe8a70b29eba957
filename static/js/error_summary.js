// Moves the focus to the summary of a form's errors, and from each link in it to the field that it names. Not while
// somebody types already: the next keys would be lost.

const summary = document.querySelector("[data-errors]");

summary?.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#']");
  const field = link && document.getElementById(link.hash.slice(1));
  if (!field) return;
  event.preventDefault();
  field.closest(".field")?.scrollIntoView({ block: "start" });
  field.focus({ preventScroll: true });
});

if (document.activeElement === document.body) {
  summary?.scrollIntoView({ block: "start" });
  summary?.focus({ preventScroll: true });
}
