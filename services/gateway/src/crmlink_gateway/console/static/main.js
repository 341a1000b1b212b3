// Tabs, copy buttons and dialogs; each tab has a module of its own.
import * as activity from "/static/activity.js";
import { byId } from "/static/api.js";
import * as members from "/static/members.js";
import * as overview from "/static/overview.js";
import * as sync from "/static/sync.js";

const tabs = [...document.querySelectorAll('[role="tab"]')];
const opened = { members: members.refresh, sync: sync.refresh };

function select(tab) {
  for (const one of tabs) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    byId(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  const name = tab.getAttribute("aria-controls");
  history.replaceState(null, "", `#${name}`);
  opened[name]?.();
}

tabs.forEach((tab, at) => {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", (event) => {
    const places = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: -1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    const next = tabs.at(places[event.key] % tabs.length);
    next.focus();
    select(next);
  });
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const place = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(place.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(place); // no permission: it is marked, ready to be copied
      button.textContent = "Marked";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => button.closest("dialog").close());
}
for (const link of document.querySelectorAll("[data-tab]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const tab = byId(`tab-${link.dataset.tab}`);
    select(tab);
    tab.focus();
  });
}

activity.start();
members.start();
sync.start();
overview.start();
const wanted = tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);
if (wanted) select(wanted);
