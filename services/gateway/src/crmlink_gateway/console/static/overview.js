// Overview tab: what stands, and what a person may do with the connection.
import { byId, call, during, element, show } from "/static/api.js";
import * as check from "/static/check.js";
import * as configure from "/static/configure.js";
import { watchConnection } from "/static/live.js";
import * as usage from "/static/usage.js";
import { ask, moment, named } from "/static/words.js";

const OFTEN = 10_000; // milliseconds between two looks, beside the server's own news
let overview = null;
let unreachable = false; // what a person's own click was answered stays until the next click
let asked = 0; // an answer that was overtaken by a later one is old news

// Lists the rows of facts that are there; the others are not shown at all.
function fact(name, ...content) {
  const told = content.filter(Boolean);
  const place = byId(name === "login-url" ? "entered-url" : name);
  place.replaceChildren(...told);
  place.hidden = byId(`${name}-label`).hidden = !told.length;
}

function withId(one) {
  return one ? [one.name || "(no name)", " ", element("code", { class: "quiet small", text: one.id })] : [];
}

function tell(text) {
  byId("told").textContent = text;
}

function fill(told) {
  const news = overview && overview.status !== told.status && told.status === "connected" ? "Connected." : "";
  overview = told;
  const configured = told.status !== "not_connected";
  const badge = byId("status");
  if (badge.textContent !== told.badge.text) badge.textContent = told.badge.text;
  badge.className = `badge ${told.badge.colour}`;
  byId("status-about").textContent = about(told, configured);
  fact("login-url", configured && told.login_url);
  byId("instance-url").textContent = told.instance_url || "–";
  byId("api-version").textContent = told.api_version ? `v${told.api_version.replace(/^v/, "")}` : "–";
  fact("org", ...withId(told.org));
  fact("user", ...(told.user_id ? withId({ id: told.user_id, name: told.user_name }) : []));
  byId("error").hidden = byId("error-label").hidden = !told.error;
  byId("error-message").textContent = told.error?.message ?? "";
  byId("error-cure").textContent = told.error ? `What to do: ${told.error.cure}` : "";
  buttons(told, configured);
  otherOrg(told);
  unrevoked(told.revocation);
  for (const place of document.querySelectorAll("[data-callback-url]")) place.textContent = told.callback_url;
  check.fill(told);
  if (news) tell(news);
}

function about(told, configured) {
  if (configured && !told.enabled) return "All Salesforce work of this workspace is stopped; everything is kept.";
  return told.pending_org ? "Signed in to another org: nothing is synced until somebody decides." : "";
}

function buttons(told, configured) {
  const waiting = told.status === "awaiting_oauth" && told.enabled;
  byId("connect").hidden = byId("waiting").hidden = !waiting;
  if (!waiting) byId("continue").hidden = true;
  byId("disconnect").hidden = !["connected", "error"].includes(told.status);
  byId("disable").hidden = !(configured && told.enabled);
  byId("enable").hidden = !configured || told.enabled;
  byId("delete").hidden = !configured;
  byId("start").hidden = configured;
  byId("edit").textContent = configured ? "Edit" : "Configure Salesforce";
  byId("edit").classList.toggle("primary", !configured);
  byId("edit").disabled = false;
}

function otherOrg({ org, pending_org: pending }) {
  byId("other-org").hidden = !pending;
  if (!pending) return;
  byId("earlier-org").replaceChildren(...withId(org));
  byId("new-org").replaceChildren(...withId(pending));
  for (const place of document.querySelectorAll("[data-earlier-org]")) place.textContent = named(org);
  for (const place of document.querySelectorAll("[data-new-org]")) place.textContent = named(pending);
}

function unrevoked(revocation) {
  const place = byId("unrevoked");
  place.hidden = !revocation;
  place.replaceChildren(...(revocation ? [
    element("strong", { text: revocation.message }),
    element("p", { text: `What to do: ${revocation.cure}` }),
    element("p", { class: "quiet small", text: `Last tried: ${moment(revocation.failed_at)}` }),
  ] : []));
}

export async function refresh() {
  const mine = ++asked;
  try {
    const told = await call("GET", "");
    if (mine === asked) fill(told);
    if (unreachable) show(byId("notice"), null);
    unreachable = false;
  } catch (problem) {
    unreachable = true;
    show(byId("notice"), problem);
  }
  await usage.refresh(overview);
}

// The window is opened at the click, or the browser would block it.
async function connect() {
  const opened = window.open("about:blank", "salesforce", "popup,width=640,height=760");
  tell("");
  const begun = await during(byId("connect"), byId("notice"), () => call("POST", "/authorize", {}));
  if (!begun) {
    opened?.close();
  } else if (opened) {
    opened.location.replace(begun.url);
    tell("Finish the sign-in in the window that opened.");
  } else {
    byId("continue").href = begun.url;
    byId("continue").hidden = false;
    tell("Your browser blocked the window: use Continue to Salesforce.");
  }
}

const KEPT = "Client ID, Client Secret, all member links and the sync settings are kept.";
const QUESTIONS = {
  disconnect: [
    "Disconnect from Salesforce?",
    `The access to Salesforce ends here at once, and at Salesforce within 24 hours. ${KEPT} The state becomes Awaiting OAuth; click Connect with Salesforce to connect again.`,
    "Disconnect", "Disconnected. Everything but the access is kept."],
  disable: [
    "Disable the Salesforce connection?",
    "Finding matches, sync and the assistants' Salesforce tools stop until somebody clicks Enable. The sign-in, all member links and the sync settings are kept.",
    "Disable", "Disabled. Nothing is sent to Salesforce or read from there."],
  enable: [null, null, null, "Enabled. Work goes on where it stopped."],
  delete: [
    "Delete the Salesforce connection?",
    "The Client ID, the Client Secret and the access are deleted, all member links end, and the fields salesforce:id, salesforce:account_id and salesforce:owner_id are removed from the members. The sync settings are deleted too, and running syncs are cancelled. Nothing in Salesforce is deleted or changed. This cannot be undone.",
    "Delete", "Deleted. Nothing in Salesforce was changed."],
  "use-org": [null, null, null, "This org is used from now on."],
  "go-back": [null, null, null, "The access to the other org was given up. Sign in to the earlier org to go on."],
};
const CALLS = { "use-org": ["POST", "/org/confirm"], "go-back": ["POST", "/org/reject"], delete: ["DELETE", ""] };

async function act(action) {
  const [question, consequence, yes, done] = QUESTIONS[action];
  if (question && !await ask(question, consequence, yes, action === "delete")) return;
  tell("");
  const [method, path] = CALLS[action] ?? ["POST", `/${action}`];
  const meant = action === "use-org" ? { org_id: overview.pending_org?.id } : undefined; // the one that was shown
  const told = await during(byId(action), byId("notice"), () => call(method, path, meant));
  if (!told) return;
  asked += 1;
  fill(told);
  tell(done);
  focusAgain(byId(action));
}

// A button that vanishes with what it did must not take the keyboard's place along.
function focusAgain(button) {
  if (!button.hidden && button.offsetParent) return;
  const next = [...document.querySelectorAll("#overview .actions button"), byId("edit")].find((one) => one.offsetParent);
  next?.focus();
}

export function start() {
  configure.start(() => overview, (told, nothingNew) => {
    asked += 1;
    fill(told);
    tell(nothingNew ? "Nothing changed." : "Saved.");
  });
  check.start(refresh);
  byId("connect").addEventListener("click", connect);
  for (const action of Object.keys(QUESTIONS)) byId(action).addEventListener("click", () => act(action));
  watchConnection(refresh);
  setInterval(() => { if (!document.hidden) refresh(); }, OFTEN);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  return refresh();
}
