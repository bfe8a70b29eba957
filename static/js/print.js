// Opens the browser's own way of printing. Without this module a line says that there is one.

for (const button of document.querySelectorAll("button[data-print]")) {
  button.hidden = false;
  button.nextElementSibling.hidden = true;
  button.addEventListener("click", () => print());
}
