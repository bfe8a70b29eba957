// Turns the shortcut of leave.js, Shift × 3, off and on in this browser, for people who hold keys down or press them
// often. A cookie stores the choice, under a name that reveals nothing: it belongs to the keyboard rather than to an
// account, and has to outlast signing out.

const YEAR = 365 * 24 * 60 * 60;

const section = document.querySelector("[data-shift]");

function hasCookies() {
  try {
    return navigator.cookieEnabled && typeof document.cookie === "string";
  } catch {
    return false;
  }
}

function isOff() {
  return document.cookie.split("; ").includes("shift=off");
}

function show() {
  section.querySelector("[data-shift-is=on]").hidden = isOff();
  section.querySelector("[data-shift-is=off]").hidden = !isOff();
}

function turn(state) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  const maxAge = state === "off" ? YEAR : 0;
  document.cookie = `shift=off; path=/; max-age=${maxAge}; SameSite=Lax${secure}`;
  show();
  section.querySelector(`[data-shift-turn=${isOff() ? "on" : "off"}]`).focus();
}

// Without cookies the choice cannot be stored, so it is not offered.
if (hasCookies()) {
  show();
  for (const button of section.querySelectorAll("[data-shift-turn]")) {
    button.addEventListener("click", () => turn(button.dataset.shiftTurn));
  }
  section.hidden = false;
}
