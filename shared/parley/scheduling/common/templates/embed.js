(() => {
  "use strict";
  // <div data-parley="/acme/introduction"></div> <script async src="https://…/embed.js"></script>
  const origin = new URL(document.currentScript.src).origin;
  const frames = new Map();
  function show(place) {
    if (place.dataset.parleyShown) return;
    place.dataset.parleyShown = "1";
    const url = new URL(place.dataset.parley, origin);
    if (url.origin !== origin) return;
    url.searchParams.set("embed", "1");
    for (const name of ["utm_source", "utm_medium", "utm_campaign"]) {
      const value = new URLSearchParams(location.search).get(name);
      if (value && !url.searchParams.has(name)) url.searchParams.set(name, value);
    }
    const frame = document.createElement("iframe");
    frame.src = url.href;
    frame.title = place.dataset.parleyTitle || "Book a time";
    frame.style.cssText = "width:100%;min-height:30rem;border:0;display:block";
    place.append(frame);
    frames.set(frame.contentWindow, { frame, place });
  }
  addEventListener("message", (event) => {
    const known = event.origin === origin && frames.get(event.source);
    if (!known) return;
    if (event.data?.parley === "height" && event.data.height > 0) known.frame.style.height = `${Math.min(event.data.height, 5000)}px`;
    if (event.data?.parley === "booked") known.place.dispatchEvent(new CustomEvent("parley:booked", { bubbles: true, detail: { start: event.data.start } }));
  });
  const showAll = () => document.querySelectorAll("[data-parley]").forEach(show);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", showAll); else showAll();
})();
