// The configuration dialog. A stored secret is never shown; what is refused stands beside its field.
import { byId, call, during, show } from "/static/api.js";
import { sentence } from "/static/words.js";

const FIELDS = { client_id: "client-id", client_secret: "client-secret", login_url: "login-url" };
const REASSURANCE = "A changed Client ID, Client Secret or Instance URL ends the present access: connect again afterwards. "
  + "Links and sync settings are kept.";

function forget(name) {
  byId(name).removeAttribute("aria-invalid");
  show(byId(`${name}-trouble`), null);
}

function open(overview) {
  const configured = overview.status !== "not_connected";
  byId("configure-title").textContent = configured ? "Edit Salesforce" : "Configure Salesforce";
  byId("configure-about").textContent = REASSURANCE;
  byId("configure-about").hidden = !["connected", "error"].includes(overview.status);
  byId("configure-save").textContent = configured ? "Save" : "Create";
  byId("client-id").value = overview.client_id;
  byId("client-secret").value = "";
  byId("client-secret").required = !overview.has_secret;
  byId("client-secret-kept").hidden = !overview.has_secret;
  byId("login-url").value = overview.login_url || "https://login.salesforce.com";
  show(byId("configure-trouble"), null);
  Object.values(FIELDS).forEach(forget);
  byId("configure").showModal();
}

// Says a refusal beside the field it names; true if there is one.
function beside(problem) {
  const name = FIELDS[problem.body?.field];
  if (!name) return false;
  const { title, cause, cure } = problem.told;
  byId(`${name}-trouble`).textContent = [cause || title, cure].filter(Boolean).map(sentence).join(" ");
  byId(`${name}-trouble`).hidden = false;
  byId(name).setAttribute("aria-invalid", "true");
  byId(name).focus();
  return true;
}

async function save(before) {
  Object.values(FIELDS).forEach(forget);
  const told = await during(byId("configure-save"), byId("configure-trouble"), async () => {
    try {
      return await call("PUT", "", {
        client_id: byId("client-id").value.trim(),
        client_secret: byId("client-secret").value,
        login_url: byId("login-url").value.trim(),
      });
    } catch (problem) {
      if (beside(problem)) return null;
      throw problem;
    }
  });
  if (!told) return null;
  byId("client-secret").value = "";
  byId("configure").close();
  return { told, nothingNew: told.epoch === before.epoch };
}

// `known` gives the overview as it is; `saved` is told the new one, and whether anything is new in it.
export function start(known, saved) {
  byId("edit").addEventListener("click", () => open(known()));
  byId("configure").addEventListener("close", () => { byId("client-secret").value = ""; });
  for (const name of Object.values(FIELDS)) byId(name).addEventListener("input", () => forget(name));
  byId("configure-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const done = await save(known());
    if (done) saved(done.told, done.nothingNew);
  });
}
