// Servers with the real express-session and cookie-session: what they set, and what is in their
// stores. Writes the answer as JSON; see interop.rs.
import http from "node:http";
import session from "express-session";
import cookieSession from "cookie-session";
import Cookies from "cookies";
import Keygrip from "keygrip";
import { sign } from "cookie-signature";

// What a server with this middleware sets in answer to one request for each user.
async function visit(middleware, users) {
  const server = http.createServer((request, response) => {
    middleware(request, response, () => {
      const user = users[Number(request.url.slice(1))];
      request.session.passport = { user };
      request.session.cart = ["zoë", 7];
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cookies = [];
  for (const [number, user] of users.entries()) {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/${number}`);
    const set = response.headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    cookies.push({ header: ["theme=dark", ...set].join("; "), subject: String(user) });
  }
  server.close();
  return cookies;
}

const users = ["alice", "zoë", "日本", 17, "a".repeat(200), ...Array(40).keys()];
const secrets = ["newest", "kéyboard cat", "x"];
const sites = [];

// Each secret has signed some cookies: the old site, too, changed it now and then.
for (const [index, secret] of secrets.entries()) {
  const store = new session.MemoryStore();
  const cookies = await visit(session({
    store, secret: [secret, ...secrets], resave: false, saveUninitialized: false,
    cookie: { maxAge: 14 * 86_400_000 },
  }), users.map((user) => (typeof user === "number" ? user + 100 * index : user)));
  const rows = Object.entries(store.sessions).map(([sid, text]) =>
    JSON.stringify({ sid, session: index === 0 ? text : JSON.parse(text) }));
  sites.push({ kind: "express", name: "connect.sid", secrets, cookies, rows: rows.join("\n") });
}

// Ids that a host made itself, signed by cookie-signature directly.
const rows = [], cookies = [];
for (const sid of ["a.b.c", "urn:uuid:1/2", "~!@#$%^&*()", "A".repeat(256)]) {
  const expires = Date.now() + 86_400_000;
  rows.push(JSON.stringify({ sid, expires, session: { passport: { user: sid.slice(0, 9) } } }));
  cookies.push({ header: `my.sid=${encodeURIComponent(`s:${sign(sid, "x")}`)}`,
                 subject: sid.slice(0, 9) });
}
sites.push({ kind: "express", name: "my.sid", secrets, cookies, rows: rows.join("\n") });

for (const hash of ["sha1", "sha256"]) {
  const keys = new Keygrip(secrets, hash);
  sites.push({ kind: hash, name: "session", secrets,
               cookies: await visit(cookieSession({ name: "session", keys }), users) });
}

// A pair that the cookies package signed under the oldest key.
const pair = [];
new Cookies({ headers: {}, connection: {} }, {
  getHeader: () => [],
  setHeader: (_, set) => pair.push(...set.map((cookie) => cookie.split(";")[0])),
}, { keys: new Keygrip(["x"]) }).set(
  "old", Buffer.from('{"passport":{"user":"zoë"}}').toString("base64"), { signed: true },
);
sites.push({ kind: "sha1", name: "old", secrets,
             cookies: [{ header: pair.join("; "), subject: "zoë" }] });
process.stdout.write(JSON.stringify(sites));
