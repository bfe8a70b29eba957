// "Leave now": empties the page, locks the session and opens a neutral page in this page's place, so that
// Back does not return here. Without this module the link still goes to the address that does the same.

const PRESSES = 3;
const PATIENCE = 5000;

const link = document.querySelector("a[data-leave]");

function mark() {
  // The server reads this cookie as "gone" on the next request, even when the call below never arrives.
  const secure = location.protocol === "https:";
  document.cookie = secure ? "__Host-left=1; path=/; SameSite=Lax; Secure" : "left=1; path=/; SameSite=Lax";
}

function leave() {
  document.documentElement.hidden = true;
  mark();
  fetch(link.href, { keepalive: true, redirect: "manual", credentials: "same-origin" }).catch(() => {});
  const away = link.dataset.leave || link.href;
  document.body.replaceChildren();
  location.replace(away);
}

// Shift, pressed alone, three times. Not Escape: browsers use it to stop loading, dialogs to close.
let presses = 0;
let last = 0;
let alone = false;

function pressed(event) {
  alone = event.key === "Shift" && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (!alone) presses = 0;
}

function released(event) {
  if (event.key !== "Shift" || !alone) return;
  alone = false;
  presses = event.timeStamp - last > PATIENCE ? 1 : presses + 1;
  last = event.timeStamp;
  if (presses === PRESSES) leave();
}

function usedWithPointer() {
  alone = false;
  presses = 0;
}

if (link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    leave();
  });
  addEventListener("keydown", pressed);
  addEventListener("keyup", released);
  addEventListener("pointerdown", usedWithPointer);
}

// A page brought back from memory shows what was on it, whoever is sitting here now: ask the server again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  document.documentElement.hidden = true;
  location.reload();
});
