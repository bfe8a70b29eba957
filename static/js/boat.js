// The boat: lays out the paper, and lets go of what was written on it. No word is read here, and none goes anywhere:
// the field is emptied at the fold, and whenever the page is left. Without this script there is no field at all.

const template = document.querySelector("template[data-boat]");
template.replaceWith(template.content);
document.querySelector("details[data-boat-by-hand]").open = false;

const field = document.querySelector("[data-boat-field]");
const boat = document.querySelector("[data-boat-picture]");

function show(state) {
  for (const part of document.querySelectorAll("[data-boat-at]")) {
    part.hidden = !part.dataset.boatAt.split(" ").includes(state);
  }
  scrollTo(0, 0);
  document.querySelector(`h1[data-boat-at="${state}"]`).focus({ preventScroll: true });
}

async function fold() {
  field.value = "";
  // Undo would write into it again.
  field.remove();
  show("going");
  // There is nothing to wait for where the picture stands still, or is not shown.
  await Promise.allSettled(boat.getAnimations().map((animation) => animation.finished));
  show("gone");
}

document.querySelector("[data-boat-fold]").addEventListener("click", fold);
document.querySelector("[data-boat-skip]").addEventListener("click", () => show("gone"));
addEventListener("pagehide", () => {
  field.value = "";
});
