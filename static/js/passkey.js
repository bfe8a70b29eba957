// Passkeys. A form names the ceremony (data-passkey: "create" or "get"), and its options (data-options) or the address
// that they are fetched from (data-from). The device's answer is submitted with the form. Without this module, or in a
// browser without passkeys, the text beside the button says so.

const CEREMONIES = {
  create: (publicKey) => navigator.credentials.create({ publicKey }),
  get: (publicKey) => navigator.credentials.get({ publicKey }),
};

function fromBase64Url(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function toBase64Url(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Browsers without parse…OptionsFromJSON leave the decoding to the page.
function parseOptions(ceremony, options) {
  const name = ceremony === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (PublicKeyCredential[name]) return PublicKeyCredential[name](options);
  const withBytes = (list) => list.map((each) => ({ ...each, id: fromBase64Url(each.id) }));
  const parsed = { ...options, challenge: fromBase64Url(options.challenge) };
  if (options.user) parsed.user = { ...options.user, id: fromBase64Url(options.user.id) };
  if (options.excludeCredentials) parsed.excludeCredentials = withBytes(options.excludeCredentials);
  if (options.allowCredentials) parsed.allowCredentials = withBytes(options.allowCredentials);
  return parsed;
}

// Browsers without toJSON leave the encoding to the page.
function serialize(credential) {
  if (credential.toJSON) return credential.toJSON();
  const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const present = names.filter((name) => credential.response[name]);
  return {
    id: credential.id,
    rawId: toBase64Url(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response: Object.fromEntries(present.map((name) => [name, toBase64Url(credential.response[name])])),
  };
}

async function fetchOptions(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const response = await fetch(form.dataset.from, { method: "POST", body: new FormData(form) });
  if (!response.ok) throw new Error("no options");
  return response.json();
}

async function submitWithPasskey(form) {
  const ceremony = form.dataset.passkey;
  const credential = await CEREMONIES[ceremony](parseOptions(ceremony, await fetchOptions(form)));
  form.elements.credential.value = JSON.stringify(serialize(credential));
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const message = form.querySelector("[data-passkey-said]");
  form.querySelector("[data-passkey-without]").hidden = true;
  form.querySelector("[data-passkey-with]").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    message.textContent = "";
    submitWithPasskey(form).catch(() => {
      message.textContent = message.dataset.passkeySaid;
    });
  });
}
