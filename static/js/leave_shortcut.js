// Turns Shift × 3 off in this browser, and on again: for those who hold keys down or press them often. It
// belongs to a keyboard and not to a person, so it is kept here, under a word that tells nothing, and stays
// when somebody signs out.

const YEAR = 365 * 24 * 60 * 60;

const place = document.querySelector("[data-shift]");

function isOff() {
  return document.cookie.split("; ").includes("shift=off");
}

function show() {
  place.querySelector("[data-shift-is=on]").hidden = isOff();
  place.querySelector("[data-shift-is=off]").hidden = !isOff();
}

function turn(way) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const age = way === "off" ? YEAR : 0;
  document.cookie = `shift=off; path=/; max-age=${age}; SameSite=Lax${secure}`;
  show();
  place.querySelector(`[data-shift-turn=${isOff() ? "on" : "off"}]`).focus();
}

// A browser that lets pages keep nothing has nothing to turn.
if (navigator.cookieEnabled) {
  show();
  for (const button of place.querySelectorAll("[data-shift-turn]")) {
    button.addEventListener("click", () => turn(button.dataset.shiftTurn));
  }
  place.hidden = false;
}
