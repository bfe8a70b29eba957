// The line under the paper that shows whether the words are saved. It is a live region: screen readers read it out.

const MINUTE = 60000;

export function link(text, address, { isNewTab = false } = {}) {
  const anchor = document.createElement("a");
  anchor.append(text);
  anchor.href = address;
  if (isNewTab) Object.assign(anchor, { target: "_blank", rel: "noopener" });
  return anchor;
}

// field: takes the focus when a button in the line is pressed. Without one the line itself does.
export function createStatus(line, field = null) {
  const message = line.querySelector("[data-desk-said]");
  const savedIcon = line.querySelector("[data-desk-kept]");
  // By the monotonic clock: a device whose time is set back would otherwise stay silent.
  let shownAt = -Infinity;
  let isPending = false;
  let hasProblem = false;

  function say(text, ...more) {
    shownAt = performance.now();
    isPending = false;
    const next = message.cloneNode();
    next.append(text, ...more.flatMap((node) => [" ", node]));
    // A screen reader would read the same words again.
    if (message.isEqualNode(next)) return;
    message.replaceChildren(...next.childNodes);
    savedIcon.hidden = true;
  }

  // For a message about words that are still to be saved.
  function sayPending(...parts) {
    say(...parts);
    isPending = true;
  }

  // Once a minute is enough, unless there is a note or a problem has just ended.
  function saySaved(text, note = "") {
    if (!hasProblem && !note && performance.now() - shownAt < MINUTE) return;
    say([note, text].join(" ").trim());
    savedIcon.hidden = false;
  }

  function clearPending() {
    if (isPending) say("");
  }

  function setProblem(isProblem) {
    hasProblem = isProblem;
  }

  // The button is removed with its message, and would take the focus with it.
  function button(text, act) {
    const made = document.createElement("button");
    made.append(text);
    made.type = "button";
    made.className = "linklike";
    const press = () => {
      if (!field) line.tabIndex = -1;
      (field ?? line).focus();
      act();
    };
    made.addEventListener("click", press, { once: true });
    return made;
  }

  function addBelow(node) {
    line.parentElement.insertBefore(node, line.nextSibling);
  }

  function scrollIntoView() {
    line.scrollIntoView({ block: "nearest" });
  }

  return { say, sayPending, saySaved, clearPending, setProblem, button, addBelow, scrollIntoView };
}
