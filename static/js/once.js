// A form that makes us send a mail (data-once) is sent by the first click of a double click only. The second
// would drop the answer to the first, and with it the page on which the code from the mail is typed.

const PATIENCE = 5000;

for (const form of document.querySelectorAll("form[data-once]")) {
  let sentAt = -PATIENCE;
  form.addEventListener("submit", (event) => {
    if (event.timeStamp - sentAt < PATIENCE) event.preventDefault();
    else sentAt = event.timeStamp;
  });
}
