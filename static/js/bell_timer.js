// A soft bell, once, after so many minutes, if wanted. Nothing shows how much time has passed.

const MINUTE = 60 * 1000;

const field = document.querySelector("[data-bell]");
const checkbox = field?.querySelector("input");
const message = field?.querySelector("[data-bell-said]");

let audio = null;
let timer = 0;

// Browsers allow sound only after a gesture: prepare it when the box is checked.
function onChange() {
  clearTimeout(timer);
  message.textContent = "";
  if (!checkbox.checked) return;
  const Context = window.AudioContext;
  audio ??= Context ? new Context() : null;
  timer = setTimeout(ring, field.dataset.bell * MINUTE);
}

function ring() {
  checkbox.checked = false;
  message.textContent = message.dataset.bellSaid;
  if (!audio) return;
  const [tone, volume, now] = [audio.createOscillator(), audio.createGain(), audio.currentTime];
  tone.frequency.value = 392;
  volume.gain.setValueAtTime(0, now);
  volume.gain.linearRampToValueAtTime(0.12, now + 0.05);
  volume.gain.exponentialRampToValueAtTime(0.0001, now + 4);
  tone.connect(volume).connect(audio.destination);
  tone.start(now);
  tone.stop(now + 4);
}

if (field) {
  checkbox.addEventListener("change", onChange);
  field.hidden = false;
}
