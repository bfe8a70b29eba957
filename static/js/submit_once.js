// Submits a form with data-once only once for a double click. Browsers drop the answer to the first of two submissions,
// and with it the page that asks for a mailed code, or the new cookie of a session that was unlocked.

const INTERVAL = 5000;

for (const form of document.querySelectorAll("form[data-once]")) {
  let submittedAt = -INTERVAL;
  form.addEventListener("submit", (event) => {
    if (event.timeStamp - submittedAt < INTERVAL) event.preventDefault();
    else submittedAt = event.timeStamp;
  });
}
