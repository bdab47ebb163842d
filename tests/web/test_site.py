"""The demo site in a real browser: `make web-test`.

What a script of a page can see and do is tried from a page; what only the site sees is tried by
requests of `fetch` in that page, which carry the browser's own cookies.
"""

import unittest

from site_test import COMPANION, SESSION, SiteTest, setUpModule  # noqa: F401

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Firefox/140.0"


class SignIn(SiteTest):
    def test_a_wrong_password_lets_nobody_in(self):
        browser = self.browser()
        browser.open(self.site.url("/sign-in"))
        browser.type("#name", "ada")
        browser.type("#password", "limpet")
        browser.click("form[action='/sign-in'] button")
        browser.wait_shown("#wrong")
        self.assertEqual(browser.script("return document.querySelector('#name').value"), "ada")
        browser.open(self.site.url("/devices"))
        self.assertEqual(browser.path(), "/sign-in")

    def test_it_changes_the_token_and_keeps_what_the_visitor_had(self):
        browser = self.browser()
        browser.type("#text", "Buy <b>limpets</b>")
        browser.click("form[action='/notes'] button")
        browser.wait_shown("#notes")
        browser.click("button[value=dark]")
        browser.wait(lambda: browser.find("[data-theme=dark]"), "the theme is dark")
        before = browser.cookies()[SESSION]
        self.sign_in(browser)
        after = browser.cookies()[SESSION]
        self.assertNotEqual(before["value"], after["value"])
        self.assertEqual(browser.text("#notes .text"), "Buy <b>limpets</b>")
        self.assertTrue(browser.find("[data-theme=dark]"))

        # Whoever knew, or planted, the visitor's token has got nothing by the sign-in.
        attacker = self.browser()
        attacker.set_cookie(self.site.url(), SESSION, before["value"])
        attacker.open(self.site.url("/devices"))
        self.assertEqual(attacker.path(), "/sign-in")
        attacker.open(self.site.url("/"))
        self.assertFalse(attacker.is_shown("#notes"), "the old token reads what the account has")

    def test_scripts_see_the_companion_cookie_and_not_the_session(self):
        browser = self.signed_in()
        seen = browser.script("return document.cookie")
        self.assertNotIn(SESSION + "=", seen)
        self.assertRegex(seen, COMPANION + r"=\d+\.\d+")
        kept = browser.cookies()
        self.assertTrue(kept[SESSION]["httpOnly"] and kept[SESSION]["secure"])
        self.assertEqual(kept[SESSION]["sameSite"], "Lax")
        self.assertNotIn(kept[SESSION]["value"], seen)

    def test_a_form_without_the_sessions_csrf_token_changes_nothing(self):
        browser, other = self.signed_in(), self.signed_in("grace")
        for csrf in ["", "A" * 46, self.csrf(other)]:
            self.assertEqual(self.post(browser, "/notes", csrf=csrf, text="forged"), 403)
        self.assertEqual(self.post(browser, "/notes", text="forged"), 403)
        browser.open(self.site.url("/"))
        self.assertFalse(browser.is_shown("#notes"))
        # One of its own does, so that the above was the token's doing.
        self.assertEqual(self.post(browser, "/notes", csrf=self.csrf(browser), text="mine"), 200)
        browser.open(self.site.url("/"))
        self.assertEqual(browser.text("#notes .text"), "mine")

    def test_nothing_inline_runs_and_nothing_is_cached(self):
        browser = self.signed_in()
        headers = browser.script_async(
            "const done = arguments[0]; fetch('/').then((a) => done(Object.fromEntries(a.headers)))"
        )
        self.assertEqual(headers["cache-control"], "no-store")
        self.assertIn("cookie", headers["vary"].lower())
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertIn("referrer-policy", headers)
        browser.script(
            """const script = document.createElement("script");
            try { script.text = "window.hasRun = true"; document.body.append(script); } catch {}"""
        )
        self.assertIsNone(browser.script("return window.hasRun"))


    def test_notes_from_many_requests_at_once_are_all_kept(self):
        browser = self.browser()
        csrf = self.csrf(browser)
        browser.script_async(
            """const [csrf, count, done] = arguments;
            const add = (_, i) => fetch("/notes", {method: "POST", redirect: "manual",
                body: new URLSearchParams({csrf, text: `note ${i}`})});
            Promise.all(Array.from({length: count}, add)).then(() => done());""",
            csrf,
            30,
        )
        browser.open(self.site.url("/"))
        texts = "[...document.querySelectorAll('.text')].map((p) => p.textContent)"
        notes = browser.script(f"return {texts}")
        self.assertEqual(sorted(notes), sorted(f"note {i}" for i in range(30)))


class Devices(SiteTest):
    def test_a_device_that_is_signed_out_from_another_reacts_at_once(self):
        here, there = self.signed_in(), self.signed_in("ada", FIREFOX)
        self.mark(there)
        here.open(self.site.url("/devices"))
        self.assertIn("This device", here.text("#devices li:first-child"))
        self.assertIn("Firefox on Windows", here.text("#devices li:nth-child(2)"))
        here.click("#devices li:nth-child(2) button")
        here.wait_shown(".message")
        self.assert_ended_without_reload(there, "signed out", seconds=3)
        here.wait_shown("form[action='/sign-out']")
        there.open(self.site.url("/devices"))
        self.assertEqual(there.path(), "/sign-in")

    def test_sign_out_everywhere_spares_others_only_when_asked(self):
        here, there, other = self.signed_in("grace"), self.signed_in("grace"), self.signed_in()
        self.mark(there)
        here.open(self.site.url("/devices"))
        here.click("#revoke-others")
        self.assert_ended_without_reload(there, "signed out")
        here.wait_shown("form[action='/sign-out']")  # this device is spared

        self.sign_in(there, "grace")
        self.mark(there)
        here.open(self.site.url("/devices"))
        here.click("#revoke-all")
        here.wait(lambda: here.path() == "/sign-in", "this device is signed out, too")
        self.assert_ended_without_reload(there, "signed out")
        other.open(self.site.url("/devices"))
        self.assertEqual(other.path(), "/devices", "another account is none of it")

    def test_nobody_ends_the_session_of_another_account(self):
        ada, grace = self.signed_in(), self.signed_in("grace")
        grace.open(self.site.url("/devices"))
        handle = grace.script("return document.querySelector('input[name=handle]').value")
        status = self.post(ada, "/devices/revoke", csrf=self.csrf(ada), handle=handle)
        self.assertEqual(status, 422)
        grace.open(self.site.url("/devices"))
        self.assertEqual(grace.path(), "/devices")


class Restart(SiteTest):
    def test_it_keeps_people_signed_in_and_open_pages_listening(self):
        here, there = self.signed_in(), self.signed_in("ada", FIREFOX)
        here.type("#text", "Still here")
        here.click("form[action='/notes'] button")
        here.wait_shown("#notes")
        self.mark(there)
        self.site.kill()
        self.site.start()
        here.open(self.site.url("/"))
        self.assertEqual(here.text("#notes .text"), "Still here")
        self.assertFalse(there.is_shown(".ended"), "a lost connection is no sign-out")
        self.assertEqual(self.site.stop(), 0)
        self.site.start()
        here.open(self.site.url("/devices"))
        here.click("#devices li:nth-child(2) button")
        here.wait_shown(".message")
        self.assert_ended_without_reload(there, "signed out")


class RecentProof(SiteTest):
    arguments = ("--recent-secs", "6")

    def test_a_password_is_changed_only_after_a_recent_proof_of_identity(self):
        here, there = self.signed_in(), self.signed_in()
        self.mark(there)
        here.wait(lambda: self.opened(here, "/account").is_shown("#confirm"), "it is long ago")
        csrf, password = self.csrf(here), "a new barnacle"
        self.post(here, "/account/password", csrf=csrf, password=password)
        self.assertFalse(there.is_shown(".ended"), "an old proof changed the password")

        before = here.cookies()[SESSION]["value"]
        here.click("#confirm")
        here.type("#password", "barnacle")
        here.click("form[action='/confirm'] button")
        here.wait_shown("#change-password")
        self.assertNotEqual(here.cookies()[SESSION]["value"], before, "a proof gives a new token")
        here.type("#password", password)
        here.click("#change-password button")
        # The page before has a message too, so one of any text would not do.
        changed = "Your password is changed"
        here.wait(lambda: changed in here.text(".message"), "the password is changed")
        self.assert_ended_without_reload(there, "signed out")
        self.sign_in(self.browser(), "ada", password)


if __name__ == "__main__":
    unittest.main()
