// Overview tab and the configuration dialog.
import { byId, call, during, show, watchConnection } from "/static/api.js";

let overview = null;
let unreachable = false; // what a person's own click was answered stays until the next click

function fill(told) {
  overview = told;
  const configured = told.status !== "not_connected";
  const badge = byId("status");
  if (badge.textContent !== told.badge.text) badge.textContent = told.badge.text;
  badge.className = `badge ${told.badge.colour}`;
  byId("instance-url").textContent = told.instance_url || (configured ? told.login_url : "–");
  byId("api-version").textContent = told.api_version ? `v${told.api_version.replace(/^v/, "")}` : "–";
  byId("org").textContent = [told.org_name, told.user_name].filter(Boolean).join(" · ");
  byId("org").hidden = byId("org-label").hidden = !byId("org").textContent;
  byId("usage").textContent = told.usage
    ? `${told.usage.used.toLocaleString()} of ${told.usage.limit.toLocaleString()} requests today` : "";
  byId("usage").hidden = byId("usage-label").hidden = !told.usage;
  byId("error").hidden = byId("error-label").hidden = !told.error;
  byId("error-message").textContent = told.error?.message ?? "";
  byId("error-cure").textContent = told.error?.cure ?? "";
  byId("connect").hidden = !(told.status === "awaiting_oauth" && told.enabled);
  byId("disconnect").hidden = !["connected", "error"].includes(told.status);
  byId("disable").hidden = !(configured && told.enabled);
  byId("enable").hidden = told.enabled;
  byId("waiting").hidden = !(told.status === "awaiting_oauth" && told.enabled);
  if (told.status !== "awaiting_oauth") byId("continue").hidden = true;
  byId("start").hidden = configured;
  byId("edit").textContent = configured ? "Edit" : "Configure Salesforce";
  byId("edit").classList.toggle("primary", !configured);
  byId("edit").disabled = false;
  for (const place of document.querySelectorAll("[data-callback-url]")) place.textContent = told.callback_url;
}

export async function refresh() {
  try {
    fill(await call("GET", ""));
    if (unreachable) show(byId("notice"), null);
    unreachable = false;
  } catch (problem) {
    unreachable = true;
    show(byId("notice"), problem);
  }
}

// The window is opened at the click, or the browser would block it.
async function connect() {
  const opened = window.open("about:blank", "salesforce", "popup,width=640,height=760");
  const begun = await during(byId("connect"), byId("notice"), () => call("POST", "/authorize", {}));
  if (!begun) {
    opened?.close();
  } else if (opened) {
    opened.location.replace(begun.url);
  } else {
    byId("continue").href = begun.url;
    byId("continue").hidden = false;
  }
}

function edit() {
  const configured = overview.status !== "not_connected";
  byId("configure-title").textContent = configured ? "Edit Salesforce" : "Configure Salesforce";
  byId("configure-save").textContent = configured ? "Save" : "Create";
  byId("client-id").value = overview.client_id;
  byId("client-secret").value = "";
  byId("client-secret").required = !overview.has_secret;
  byId("client-secret").placeholder = overview.has_secret ? "Leave empty to keep the stored secret" : "";
  byId("login-url").value = overview.login_url || "https://login.salesforce.com";
  show(byId("configure-trouble"), null);
  byId("configure").showModal();
}

async function save(event) {
  event.preventDefault();
  const told = await during(byId("configure-save"), byId("configure-trouble"), () => call("PUT", "", {
    client_id: byId("client-id").value.trim(),
    client_secret: byId("client-secret").value,
    login_url: byId("login-url").value.trim(),
  }));
  if (told) {
    byId("client-secret").value = "";
    byId("configure").close();
    fill(told);
  }
}

export function start() {
  byId("edit").addEventListener("click", edit);
  byId("configure-form").addEventListener("submit", save);
  byId("connect").addEventListener("click", connect);
  for (const action of ["disconnect", "enable", "disable"]) {
    byId(action).addEventListener("click", async () => {
      const told = await during(byId(action), byId("notice"), () => call("POST", `/${action}`));
      if (told) fill(told);
    });
  }
  watchConnection(refresh);
  setInterval(() => { if (!document.hidden) refresh(); }, 10_000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  return refresh();
}
