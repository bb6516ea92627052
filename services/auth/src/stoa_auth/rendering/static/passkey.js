// Logging in by a passkey: the one thing that a page can't ask the browser without a script.
"use strict";

const part = document.querySelector("[data-passkey]");
const pages = "/api/v1/auth/pages";

async function ask(path, body) {
  const answer = await fetch(pages + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": part.dataset.csrf },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function logIn() {
  const challenge = part.dataset.challenge || null;
  const { publicKey } = await ask("/passkey/options", { challenge });
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  const credential = await navigator.credentials.get({ publicKey: options });
  const { next } = await ask("/passkey", { credential: credential.toJSON(), challenge, next: part.dataset.next || null });
  location.assign(next);
}

if (part && window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON) {
  const button = part.querySelector("button");
  const failed = part.querySelector("[data-failed]");
  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.disabled = true;
    try {
      await logIn();
    } catch {
      failed.hidden = false;
    }
    button.disabled = false;
  });
  part.hidden = false;
}
