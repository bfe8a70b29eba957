// Selects the browser's time zone where none has been chosen yet. Nothing is sent before the form is submitted.

for (const select of document.querySelectorAll("select[data-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (select.value || !zone) continue;
  const [region, ...rest] = zone.split("/");
  const place = rest.join(", ").replaceAll("_", " ");
  const listed = [...select.options].find(
    (option) => option.value === place && option.parentElement.label === region,
  );
  if (listed) {
    listed.selected = true;
  } else {
    // Browsers know some places by older names than the list does.
    select.add(new Option(zone.replaceAll("_", " "), zone, true, true));
  }
}
