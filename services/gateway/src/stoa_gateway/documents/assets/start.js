// A file of its own, because the page's policy lets no inline script run.
window.addEventListener("load", () => {
  SwaggerUIBundle({
    url: "/openapi.json",
    dom_id: "#documents",
    deepLinking: true,
    docExpansion: "list",
    displayRequestDuration: true,
    presets: [SwaggerUIBundle.presets.apis],
    validatorUrl: null,
  });
});
