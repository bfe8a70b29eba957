// Shows a button that copies the sentence above it. Without this module the sentence can be selected and copied by hand.

for (const button of document.querySelectorAll("button[data-copy]")) {
  const sentence = button.parentElement.previousElementSibling;
  const status = button.nextElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(sentence.textContent);
      status.textContent = button.dataset.done;
    } catch {
      status.textContent = button.dataset.failed;
    }
  });
}
