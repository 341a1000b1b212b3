// What the connected user may do in the org: looked at after connecting, and again by Test connection.
import { byId, call, during, element, fillTable, show } from "/static/api.js";
import { moment, named } from "/static/words.js";

const yes = (may) => (may ? "Yes" : "No");
let shown = "";

function missing(one) {
  if (one.missing.includes("object")) return "the whole object: the user does not see it";
  return one.missing.join(", ") || "nothing";
}

function told(check, broken) {
  const who = check.user ? ` as ${named(check.user)}` : "";
  const where = check.org ? ` in ${named(check.org)}` : "";
  const version = check.api_version ? `, API version v${check.api_version.replace(/^v/, "")}` : "";
  const result = check.ok ? "everything that is needed is there" : "something is wrong";
  const since = check.ok && broken ? " That was before the error." : "";
  return `Tested ${moment(check.checked_at)}${who}${where}${version}: ${result}.${since}`;
}

function render(check, broken = false) {
  const now = JSON.stringify([check, broken]);
  if (now === shown) return; // nothing is read out twice
  shown = now;
  byId("check-told").textContent = check ? told(check, broken) : "Not tested yet.";
  show(byId("check-problem"), check?.problem ? { told: { title: check.problem.message, cure: check.problem.cure } } : null);
  fillTable(byId("check-objects"), check?.objects ?? [], (one) => [
    element("strong", { text: one.name }), yes(one.readable), yes(one.creatable), yes(one.updateable), missing(one)]);
}

export function fill(overview) {
  byId("check").hidden = !["connected", "error"].includes(overview.status);
  render(overview.check ?? null, overview.status === "error");
}

export function start(refresh) {
  byId("test").addEventListener("click", async () => {
    byId("test").textContent = "Testing …";
    const check = await during(byId("test"), byId("check-trouble"), () => call("POST", "/test"));
    byId("test").textContent = "Test connection";
    if (!check) return;
    render(check);
    await refresh();
  });
}
