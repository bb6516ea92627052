// The mail's link carries its code behind the #, which no server is sent: it is put into the form from here.
"use strict";

const field = document.querySelector("input[name=code]");
const code = new URLSearchParams(location.hash.slice(1)).get("token");
if (field && code) {
  field.value = code;
  document.querySelectorAll("[data-without-code]").forEach((part) => { part.hidden = true; });
  history.replaceState(null, "", location.pathname + location.search);
  [...field.form.elements].find((part) => part.offsetParent && part !== field)?.focus();
}
