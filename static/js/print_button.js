// Shows a button that prints the page, in place of a line that explains how. Without this module the line stays.

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.nextElementSibling.hidden = true;
  button.addEventListener("click", () => print());
}
