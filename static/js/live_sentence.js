// Shows the sentence that an exercise makes of its fields while somebody types, as healing/made_sentence.py makes it.
// Without this module the sentence stands with the saved answer.

const BLANK = /\{(\w+)\}/;
const CLAUSE = /[.?!:;,…]/;

function wordsOf(field) {
  if (field instanceof RadioNodeList) {
    const chosen = [...field].find((radio) => radio.checked);
    return chosen ? chosen.labels[0].textContent.trim() : "";
  }
  return field.value.trim().replace(/\.+$/, "");
}

function withoutStem(before, words) {
  const stem = before.split(CLAUSE).at(-1).trim().split(/\s+/).filter(Boolean);
  const typed = words.split(/\s+/);
  const beginsWithStem = stem.every((word, index) => word.toLowerCase() === typed[index]?.toLowerCase());
  if (stem.length === 0 || !beginsWithStem || typed.length === stem.length) return words;
  return words.replace(new RegExp(`^(?:\\S+\\s+){${stem.length}}`), "");
}

function filled(pattern, form) {
  const pieces = pattern.split(BLANK);
  for (let index = 1; index < pieces.length; index += 2) {
    const field = form.elements[pieces[index]];
    pieces[index] = field ? withoutStem(pieces[index - 1], wordsOf(field)) : "";
    if (pieces[index] === "") return "";
  }
  return pieces.join("");
}

for (const line of document.querySelectorAll("[data-makes]")) {
  const form = line.closest("form");
  // A visitor may try the fields of an exercise that has no form to save them.
  if (!form) continue;
  const patterns = JSON.parse(line.dataset.makes);
  const show = () => {
    const [first, ...others] = patterns.map((pattern) => filled(pattern, form));
    line.textContent = first && [first, ...others.filter(Boolean)].join(" ");
    line.hidden = first === "";
  };
  show();
  form.addEventListener("input", show);
  // A copy that is put back is announced by this.
  form.addEventListener("change", show);
}
