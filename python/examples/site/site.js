// The access token is kept in memory and nowhere else: a reload gets a new one with the refresh
// token, which no script can read.
"use strict";

const state = { access: "", refreshing: null, source: null, endsAt: Infinity, seen: "", total: 0 };
const find = (id) => document.getElementById(id);

// Calls that find their token too old at the same time refresh once.
function refresh() {
  state.refreshing ??= fetch("/api/refresh", { method: "POST" })
    .then(async (answer) => {
      if (!answer.ok) throw answer;
      const found = await answer.json();
      state.access = found.access;
      return found;
    })
    .finally(() => { state.refreshing = null; });
  return state.refreshing;
}

async function api(method, path) {
  const send = () => fetch(path, { method, headers: { Authorization: `Bearer ${state.access}` } });
  let answer = await send();
  if (answer.status === 401) {
    await refresh();
    answer = await send();
  }
  if (!answer.ok) throw answer;
  return answer.json();
}

// Only "no" is a sign-out. A site that cannot answer now (503) says nothing about the session.
function failed(error) {
  if (error instanceof Response && error.status === 401) leave("revoked");
  else find("message").textContent = "The site does not answer right now.";
}

function companion() {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith("__Host-sid-left="));
  return pair ? pair.split("=")[1] : "";
}

function tick() {
  const value = companion();
  if (value && value !== state.seen) {
    const [seconds, serverNow] = value.split(".").map(Number);
    // Seconds left, counted from when they were given: this computer's clock may be wrong.
    const age = state.seen ? 0 : Math.max(0, Date.now() - serverNow);
    state.endsAt = performance.now() + seconds * 1000 - (age < 86400000 ? age : 0);
    state.total = seconds * 1000;
    state.seen = value;
  }
  const left = Math.max(0, state.endsAt - performance.now());
  const seconds = Math.ceil(left / 1000);
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  find("left").textContent = find("warning-left").textContent = text;
  const isLate = left < Math.min(30000, state.total / 2);
  if (isLate && !find("warning").open) find("warning").showModal();
  if (!isLate && find("warning").open) find("warning").close();
}

async function enter(name) {
  find("name").textContent = name;
  find("message").textContent = "";
  show(true);
  state.source?.close();
  state.source = new EventSource("/api/events");
  state.source.addEventListener("end", (event) => leave(event.data));
  state.source.onerror = () => {
    // A lost connection is tried again by the browser, an answer other than 200 is not.
    if (state.source?.readyState === EventSource.CLOSED) refresh().catch(failed);
  };
  clearInterval(state.ticking);
  state.ticking = setInterval(tick, 250);
  await list().catch(failed);
}

function leave(why) {
  const texts = {
    expired: "Nothing happened for a while.",
    revoked: "This device was signed out.",
  };
  state.source?.close();
  clearInterval(state.ticking);
  Object.assign(state, { access: "", source: null, endsAt: Infinity, seen: "" });
  if (find("warning").open) find("warning").close();
  find("devices").replaceChildren();
  find("message").textContent = texts[why] ?? "";
  show(false);
}

function show(isSignedIn) {
  for (const id of ["who", "sign-out", "signed-in"]) find(id).hidden = !isSignedIn;
  find("signed-out").hidden = isSignedIn;
}

async function list() {
  const devices = await api("GET", "/api/devices");
  find("devices").replaceChildren(...devices.map((device) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.textContent = "Sign out";
    button.onclick = () => {
      api("POST", `/api/devices/${device.handle}/revoke`)
        .then(device.isThis ? null : list)
        .catch(failed);
    };
    item.append(device.label + (device.isThis ? " (this device)" : ""), button);
    return item;
  }));
}

find("sign-in").onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("/api/sign-in", { method: "POST", headers, body });
  const found = await answer.json();
  if (!answer.ok) {
    find("message").textContent = found.detail;
    return;
  }
  state.access = found.access;
  event.target.reset();
  await enter(found.name);
};
find("sign-out").onclick = () => fetch("/api/sign-out", { method: "POST" }).then(() => leave(""));
find("revoke-all").onclick = () => api("POST", "/api/devices/revoke-all").catch(failed);
find("stay").onclick = () => fetch("/api/stay", { method: "POST" }).then(tick);

refresh().then((found) => enter(found.name)).catch((error) => {
  if (!(error instanceof Response && error.status === 401)) failed(error);
  show(false);
});
