// First lines to borrow: each becomes a button that puts its line where the cursor is. Nothing that
// is written is replaced. Without this module they are a list to read.

for (const list of document.querySelectorAll("[data-lines]")) {
  const paper = document.getElementById(list.dataset.lines);
  for (const item of list.querySelectorAll("[data-line]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...item.childNodes);
    button.addEventListener("click", () => borrow(paper, item.dataset.line));
    item.append(button);
  }
}

function borrow(paper, line) {
  const at = paper.selectionEnd;
  paper.setRangeText(line, at, at, "end");
  paper.focus();
  paper.dispatchEvent(new Event("input", { bubbles: true }));
}
