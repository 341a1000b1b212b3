// The audit trail, in sentences. It is read when a person opens it.
import { byId, call, element, fillTable, pages, show } from "/static/api.js";
import { moment, plain } from "/static/words.js";

const SENTENCES = {
  "capture.resumed": "Changes in Salesforce are read again",
  "capture.stopped": "Reading changes in Salesforce stopped",
  "connection.configure_asked": "Asked to save the credentials",
  "connection.configured": "The credentials were saved",
  "connection.connect_asked": "Asked to connect with Salesforce",
  "connection.connected": "Connected with Salesforce",
  "connection.connected_elsewhere": "Signed in to another Salesforce org; it waits to be confirmed",
  "connection.delete_asked": "Asked to delete the connection",
  "connection.deleted": "The connection was deleted",
  "connection.disable_asked": "Asked to disable the connection",
  "connection.disabled": "The connection was disabled",
  "connection.disconnect_asked": "Asked to disconnect",
  "connection.disconnected": "Disconnected; the access is gone, everything else is kept",
  "connection.edited": "The connection was edited",
  "connection.enable_asked": "Asked to enable the connection",
  "connection.enabled": "The connection was enabled",
  "connection.moved": "The Salesforce org has moved to another address",
  "connection.org_confirm_asked": "Asked to use the other org",
  "connection.org_confirmed": "The other org is used from now on",
  "connection.org_reject_asked": "Asked to go back to the earlier org",
  "connection.org_rejected": "The access to the other org was given up",
  "connection.revoke_failed": "Salesforce did not learn that an earlier access has ended",
  "connection.revoked": "Salesforce has ended an earlier access",
  "connection.shares_asked": "Asked to set the shares of the API limit",
  "connection.shares_set": "The shares of the API limit were set",
  "connection.sign_in_begun": "A sign-in to Salesforce began",
  "connection.sign_in_refused": "A sign-in to Salesforce failed",
  "connection.test_asked": "Asked to test the connection",
  "connection.tested": "The connection was tested",
  "connection.token_refused": "Salesforce refused the access",
  "console.signed_in": "Signed in to this console",
  "features.changed": "The workspace's features were changed",
  "links.dissolved": "Links ended with their connection",
  "links.link_asked": "Asked to link members",
  "links.relink_asked": "Asked to relink a member",
  "links.unlink_asked": "Asked to unlink a member",
  "matching.cancel_asked": "Asked to stop finding matches",
  "matching.start_asked": "Asked to find matches",
  "member.linked": "A member was linked",
  "member.relinked": "A member may be linked again",
  "member.unlinked": "A member was unlinked",
  "members.linked": "Members were linked",
  "run.finished": "A run ended",
  "run.started": "A run began",
  "sync.cancel_asked": "Asked to cancel a run",
  "sync.configure_asked": "Asked to save the sync settings",
  "sync.configured": "The sync settings were saved",
  "sync.dropped": "The sync settings ended with their connection",
  "sync.start_asked": "Asked to run a sync",
  "tool.refused": "An assistant's request was refused",
};
const PAGE = 15;

// An action that is new here is still told, in its own words.
function what(one) {
  const told = SENTENCES[one.action] ?? plain(one.action.replaceAll(".", " "));
  const about = [one.member_id && `member ${one.member_id}`, one.code].filter(Boolean);
  return element("span", {}, told, ...about.flatMap((text) => [" ", element("code", { class: "quiet small", text })]));
}

function who({ actor }) {
  const [kind, name] = actor.split(/:(.*)/s);
  if (kind === "service") return `The service ${name}`;
  return kind === "key" ? `API key ${name}` : actor || "–";
}

async function read(page = 1) {
  try {
    const told = await call("GET", `/activity?page=${page}&page_size=${PAGE}`);
    fillTable(byId("activities"), told.items, (one) => [moment(one.at), what(one), who(one)]);
    byId("activities-empty").hidden = told.total > 0;
    pages(byId("activity-pages"), told, read);
    show(byId("activity-trouble"), null);
  } catch (problem) {
    show(byId("activity-trouble"), problem);
  }
}

export function start() {
  byId("activity").addEventListener("toggle", () => { if (byId("activity").open) read(); });
}
