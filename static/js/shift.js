// Turns Shift × 3 off in this browser, and on again: for those who hold keys down or press them often. It
// belongs to a keyboard and not to a person, so it is kept here, under a word that tells nothing.

const place = document.querySelector("[data-shift]");

function show(isOff) {
  place.querySelector("[data-shift-is=on]").hidden = isOff;
  place.querySelector("[data-shift-is=off]").hidden = !isOff;
}

function turn(isOff) {
  if (isOff) localStorage.setItem("shift", "off");
  else localStorage.removeItem("shift");
  show(isOff);
  place.querySelector(`[data-shift-turn=${isOff ? "on" : "off"}]`).focus();
}

try {
  show(localStorage.getItem("shift") === "off");
  for (const button of place.querySelectorAll("[data-shift-turn]")) {
    button.addEventListener("click", () => turn(button.dataset.shiftTurn === "off"));
  }
  place.hidden = false;
} catch {
  // This browser lets pages keep nothing, so there is nothing to turn.
}
