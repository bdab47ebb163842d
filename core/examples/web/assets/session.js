// Counts down to the end of the session, warns before, and reacts after.
//
// The companion cookie says `<seconds left>.<server's time in ms>`. It is readable, as it is worth
// nothing: the session cookie itself is HttpOnly. All tabs see a new value as soon as one of them
// gets it, so a click in any of them moves the countdown in all, without a request.
"use strict";

const page = document.body.dataset;
const warningMs = Number(page.warningSecs) * 1000;
const warning = document.getElementById("warning");
const find = (id) => document.getElementById(id);

let seen = "";          // the cookie's value that was read last
let endsAt = Infinity;  // by this computer's clock
let skew = Infinity;    // how far this computer's clock is ahead of the server's
let drift = Date.now() - performance.now();
let isDismissed = false;
let isAsking = false;
let hasEnded = false;
let source = null;
const ticking = setInterval(tick, 1000);

function companion() {
  const pair = document.cookie.split("; ").find((pair) => pair.startsWith(page.companion + "="));
  return pair ? pair.slice(page.companion.length + 1) : "";
}

function read() {
  const value = companion();
  if (value === "") {
    // Expired with the session, or cleared in another tab.
    endsAt = -Infinity;
  } else if (value !== seen) {
    const [seconds, serverNow] = value.split(".").map(Number);
    // A clock may be hours wrong. A value that is seen late, because the tab slept, makes it look
    // further ahead than it is: the least that was ever seen is nearest to the truth.
    skew = Math.min(skew, Date.now() - serverNow);
    endsAt = serverNow + skew + seconds * 1000;
  }
  seen = value;
}

function tick() {
  // Was the computer asleep, or its clock set? Then what we know of the skew is worth nothing.
  const driftNow = Date.now() - performance.now();
  if (Math.abs(driftNow - drift) > 2000) {
    drift = driftNow;
    skew = Infinity;
    ask();
  }
  read();
  const left = endsAt - Date.now();
  show(Math.max(0, left));
  if (left <= 0) {
    // We may be wrong: the server knows.
    ask();
  }
}

function show(left) {
  const seconds = Math.ceil(left / 1000);
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  find("left").hidden = false;
  find("left-time").textContent = text;
  find("warning-time").textContent = text;
  if (left > warningMs) {
    isDismissed = false;
    if (warning.open) warning.close("stayed");
  } else if (!warning.open && (!isDismissed || left === 0)) {
    find("warning-text").textContent = "When the time is up you are signed out, to keep your account safe.";
    warning.showModal();
    speak(seconds);
  } else if ([30, 20, 10].includes(seconds)) {
    speak(seconds);
  }
}

// At a few moments only: a screen reader that counts aloud says nothing else any more.
function speak(seconds) {
  find("spoken").textContent = `You will be signed out in ${seconds} seconds.`;
}

// Asks the server, without keeping the session alive.
async function ask() {
  if (isAsking || hasEnded) return;
  isAsking = true;
  try {
    const answer = await fetch("/alive");
    if (answer.status === 401) return end(await answer.text());
    if (!answer.ok) return trouble();
    const [csrf, account] = (await answer.text()).split("\n");
    // Somebody else has signed in, in another tab: this page is not theirs.
    if (account !== page.account) return location.replace("/");
    renew(csrf);
    read();
  } catch {
    trouble();
  } finally {
    isAsking = false;
  }
}

// The session has a new name, and its old CSRF tokens are good no more.
function renew(csrf) {
  for (const input of document.querySelectorAll("input[name=csrf]")) input.value = csrf;
}

function trouble() {
  find("warning-text").textContent = "The site does not answer right now. Trying again …";
}

async function stay(event) {
  event.preventDefault();
  const fields = () => new URLSearchParams(new FormData(find("stay")));
  const send = () => fetch("/stay", { method: "POST", body: fields() });
  try {
    let answer = await send();
    if (answer.status === 403) {
      // The session was rotated in another tab: with a new CSRF token, then.
      await ask();
      answer = await send();
    }
    if (!answer.ok) return trouble();
    tick();
    if (warning.open) {
      // It lasts no longer, however much it is used, unless its owner signs in anew.
      const confirm = link("/confirm", "Enter your password");
      find("warning-text").replaceChildren("This session has lasted its longest. ", confirm, " to go on.");
    }
  } catch {
    trouble();
  }
}

function link(href, text) {
  return Object.assign(document.createElement("a"), { href, textContent: text });
}

// Takes what was on the page off the screen, and says why.
function end(why) {
  if (hasEnded) return;
  hasEnded = true;
  clearInterval(ticking);
  listen();
  warning.remove();
  const texts = {
    expired: "Nothing happened for a while, so your session has ended.",
    revoked: "This device was signed out, here in another window or on another device.",
  };
  const view = find("ended").content.cloneNode(true);
  view.getElementById("ended-why").textContent = texts[why] ?? "Your session has ended.";
  document.querySelectorAll(".bar nav, .who").forEach((element) => element.remove());
  find("content").replaceChildren(view);
  document.querySelector("footer form").remove();
  document.title = "Signed out · Holdfast";
  find("content").querySelector("h1").focus();
}

// The server tells when the session ends. Only the page that is looked at listens: a browser has
// six connections to a site (HTTP/1.1), and an open stream takes one of them.
function listen() {
  source?.close();
  source = null;
  if (hasEnded || document.visibilityState !== "visible") return;
  source = new EventSource("/events");
  source.addEventListener("end", ask);
  source.onerror = () => {
    // A lost connection is tried again by the browser, an answer other than 200 is not.
    if (source?.readyState !== EventSource.CLOSED) return;
    ask();
    setTimeout(listen, 5000);
  };
}

function look() {
  listen();
  if (document.visibilityState === "visible") ask();
}

find("stay").addEventListener("submit", stay);
warning.addEventListener("close", () => { isDismissed = true; });
document.addEventListener("visibilitychange", look);
addEventListener("pageshow", (event) => { if (event.persisted) look(); });
listen();
tick();
