// Turns each sentence starter into a button that inserts it at the cursor. It replaces nothing, not even a selection.
// Without this module the starters are a list to read.

for (const list of document.querySelectorAll("[data-lines]")) {
  const textarea = document.getElementById(list.dataset.lines);
  for (const item of list.querySelectorAll("[data-line]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.childNodes);
    button.addEventListener("click", () => insert(textarea, item.dataset.line));
    item.append(button);
  }
}

function insert(textarea, text) {
  const end = textarea.selectionEnd;
  textarea.setRangeText(text, end, end, "end");
  textarea.focus();
  // Autosave listens to input, which no browser reports for changes made by a script.
  textarea.dispatchEvent(new Event("input", { bubbles: true }));
}
