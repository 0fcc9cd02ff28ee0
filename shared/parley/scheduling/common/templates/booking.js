(() => {
  "use strict";
  // Everything here only hastens what the page does without it.
  const root = document.documentElement, said = document.getElementById("said");
  const bare = () => location.href.split("#")[0];
  let visits = 0, hold = null, typed = [], address = bare();
  root.classList.add("js");
  const main = () => document.getElementById("main");
  const tell = (kind, more) => { if (window.parent !== window) window.parent.postMessage({ parley: kind, ...more }, "*"); };

  async function visit(url, focus, how) {
    const mine = ++visits, from = document.activeElement;
    main().setAttribute("aria-busy", "true");
    try {
      const headers = hold ? { "parley-hold": hold } : {};
      const answer = await fetch(url, { headers, credentials: "omit" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = page.getElementById("main");
      if (mine !== visits) return;
      // A captcha's script runs on a page that is loaded, and on no other.
      if (!next || next.querySelector("[data-sitekey]")) { location.assign(url); return; }
      // Who has gone on with the keyboard meanwhile stays there.
      const held = document.activeElement, was = main(), had = was.contains(held);
      const sought = focus || had ? [had && held !== from ? held.id : "", focus, "details", "month"] : [];
      const form = document.querySelector("form[data-once]");
      if (form) typed = [...form.elements].filter((one) => one.id).map((one) => [one.id, one.value, one.checked]);
      was.replaceWith(next);
      document.title = page.title;
      if (how) { history[how]({}, "", url); address = bare(); }
      const target = sought.map((id) => id && document.getElementById(id)).find(Boolean);
      if (target) {
        target.focus({ preventScroll: true });
        // Its whole section, where that fits; but in any case itself.
        for (const part of [target.closest("section"), target]) part?.scrollIntoView({ block: "nearest" });
      }
      if (said) said.textContent = next.querySelector("caption")?.textContent ?? "";
      arrive();
    } catch {
      location.assign(url);
    }
  }

  async function keep(form) {
    const field = form.elements.hold_token, note = document.getElementById("hold");
    if (!form.dataset.hold || field) return;
    const wanted = { start_time: form.elements.time.value, ...(hold ? { instead_of: hold } : {}) };
    const answer = await fetch(`/v1/scheduling/event-types/${form.dataset.hold}/holds`, {
      method: "POST", credentials: "omit", headers: { "content-type": "application/json" }, body: JSON.stringify(wanted),
    }).catch(() => null);
    if (!answer || !form.isConnected) return;
    const told = await answer.json().catch(() => ({}));
    if (answer.status === 201) {
      hold = told.token;
      const made = Object.assign(document.createElement("input"), { type: "hidden", name: "hold_token", value: hold });
      form.append(made);
      const cycle = main().lang === "en" ? { hourCycle: "h23" } : {};
      const shown = { hour: "2-digit", minute: "2-digit", timeZone: main().dataset.zone, ...cycle };
      const until = new Date(told.expires_at).toLocaleTimeString(main().lang || "en", shown);
      note.textContent = main().dataset.kept.replace("{until}", until);
    } else if (answer.status === 409) {
      note.textContent = main().dataset.lost;
    } else return;
    note.hidden = false;
    if (said) said.textContent = note.textContent;
  }

  function arrive() {
    const here = main(), zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (here?.dataset.asksZone === "1" && zone && zone !== here.dataset.zone && !visits) {
      const url = new URL(location.href);
      url.searchParams.set("timezone", zone);
      visit(url, null, "replaceState");
      return;
    }
    const form = document.querySelector("form[data-once]");
    // What was typed before another time was looked for.
    for (const [id, value, checked] of typed) {
      const one = form?.querySelector(`[id="${id}"]`);
      if (one) { one.value = value; one.checked = checked; }
    }
    if (form) keep(form);
    const booked = document.querySelector("[data-booked]");
    if (booked) tell("booked", { start: booked.dataset.booked });
    resize();
  }

  const resize = () => tell("height", { height: Math.ceil(document.body.getBoundingClientRect().height) });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-visit]");
    if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    visit(link.href.split("#")[0], link.dataset.focus, "pushState");
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest?.("form[data-zones]");
    if (form) visit(`${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`, "timezone", "replaceState");
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form[data-zones]")) { event.preventDefault(); return; }
    if (!form.matches("form[data-once]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    const button = form.querySelector("button[type=submit]");
    button.setAttribute("aria-disabled", "true");
    if (said) said.textContent = main()?.dataset.sending ?? "";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.querySelector("button[type=submit]").removeAttribute("aria-disabled");
    }
  });
  addEventListener("popstate", () => {
    // A link within the page comes here as well, and has nothing to load.
    if (bare() !== address) { address = bare(); visit(address, null, null); }
  });
  if (window.parent !== window) new ResizeObserver(resize).observe(document.body);
  arrive();
})();
