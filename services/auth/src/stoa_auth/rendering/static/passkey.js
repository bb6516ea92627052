// Showing by a passkey who one is: the one thing that a page can't ask the browser without a script.
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

async function prove() {
  const { path, challenge } = part.dataset;
  const waiting = challenge ? { challenge } : {};
  const { publicKey } = await ask(`${path}/options`, waiting);
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(publicKey);
  const credential = await navigator.credentials.get({ publicKey: options });
  const shown = { credential: credential.toJSON(), next: part.dataset.next || null, ...waiting };
  const { next } = await ask(path, shown);
  location.assign(next);
}

if (part && window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON) {
  const button = part.querySelector("button");
  const failed = part.querySelector("[data-failed]");
  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.disabled = true;
    try {
      await prove();
    } catch {
      failed.hidden = false;
    }
    button.disabled = false;
  });
  part.hidden = false;
}
