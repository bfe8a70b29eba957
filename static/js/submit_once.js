// A form with data-once is sent by the first click of a double click only. The second would drop the answer to the
// first, and with it the page on which the code from a mail is typed, or the new cookie of a lock that has opened.

const PATIENCE = 5000;

for (const form of document.querySelectorAll("form[data-once]")) {
  let sentAt = -PATIENCE;
  form.addEventListener("submit", (event) => {
    if (event.timeStamp - sentAt < PATIENCE) event.preventDefault();
    else sentAt = event.timeStamp;
  });
}
