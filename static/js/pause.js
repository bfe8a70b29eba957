// A hard moment: moves the boat over the wave, changes the sentence in each third, and shows the ends when the time is
// over. The server's clock counts: what this device adds is how long the page has been open. Without this module a link
// shows where the boat is now.

// The curve of home/wave.py.
const [WIDTH, LEVEL, HEIGHT, BREADTH, FROM, TO, STEEPEST] = [400, 236, 176, 70, 34, 366, 16];
const INTERVAL = 1000;

const boat = document.querySelector("[data-boat]");
const tilted = boat.querySelector("[data-tilt]");
const parts = document.querySelectorAll("[data-part]");
const choices = document.querySelector("[data-choices]");
const [begins, until, loadedAt] = ["begins", "ends", "now"].map((name) => Number(boat.dataset[name]));
const openedAt = Date.now();
const still = matchMedia("(prefers-reduced-motion: reduce)");
const tilt = tilted.getAttribute("transform").replace(/^rotate\(.*?\)/, "");

function progress() {
  const now = loadedAt + (Date.now() - openedAt) / 1000;
  return Math.min(Math.max((now - begins) / (until - begins || 1), 0), 1);
}

function place(passed) {
  const x = FROM + (TO - FROM) * passed;
  const away = (x - WIDTH / 2) / BREADTH;
  const hill = Math.exp(-(away ** 2));
  boat.setAttribute("transform", `translate(${x} ${LEVEL - HEIGHT * hill})`);
  tilted.setAttribute("transform", `rotate(${2 * away * hill * STEEPEST})${tilt}`);
}

function say(passed) {
  const part = `${Math.min(Math.floor(passed * 3) + 1, 4)}`;
  for (const each of parts) each.hidden = each.dataset.part !== part;
}

function update() {
  const passed = progress();
  if (!still.matches) place(passed);
  say(passed);
  if (passed < 1) return;
  clearInterval(timer);
  if (choices) choices.open = true;
}

const timer = setInterval(update, INTERVAL);
document.querySelectorAll("[data-unscripted]").forEach((each) => each.remove());
update();
