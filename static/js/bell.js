// A soft bell, once, for whoever asks for it. Nothing counts down, and nothing shows how long it is yet.

const WAIT = 20 * 60 * 1000;

const place = document.querySelector("[data-bell]");
const wish = place?.querySelector("input");
const said = place?.querySelector("[data-bell-said]");

let sound = null;
let waiting = 0;

// Browsers let a page sound only after somebody has touched it, so the tone is made ready by the wish.
function wished() {
  clearTimeout(waiting);
  said.textContent = "";
  if (!wish.checked) return;
  const Sound = window.AudioContext;
  sound ??= Sound ? new Sound() : null;
  waiting = setTimeout(ring, WAIT);
}

function ring() {
  wish.checked = false;
  said.textContent = said.dataset.bellSaid;
  if (!sound) return;
  const [tone, volume, now] = [sound.createOscillator(), sound.createGain(), sound.currentTime];
  tone.frequency.value = 392;
  volume.gain.setValueAtTime(0, now);
  volume.gain.linearRampToValueAtTime(0.12, now + 0.05);
  volume.gain.exponentialRampToValueAtTime(0.0001, now + 4);
  tone.connect(volume).connect(sound.destination);
  tone.start(now);
  tone.stop(now + 4);
}

if (place) {
  wish.addEventListener("change", wished);
  place.hidden = false;
}
