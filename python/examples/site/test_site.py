"""The single-page site in headless Chromium: `make python-site-test`."""

import os
import sys
import tempfile
import unittest
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "tests" / "web"))

from browser import Driver
from site_process import Site

SESSION, COMPANION = "__Host-sid", "__Host-sid-left"
IDLE_SECS = 6


class PythonSite(Site):
    def start(self):
        if self.command[0] != sys.executable:
            self.command.insert(0, sys.executable)
        super().start()


class SiteTest(unittest.TestCase):
    arguments = ()

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        data = os.path.join(directory.name, "data")
        cls.site = PythonSite(str(HERE / "site.py"), data, *cls.arguments)
        cls.addClassCleanup(cls.site.stop)
        cls.driver = Driver()
        cls.addClassCleanup(cls.driver.quit)

    def browser(self):
        browser = self.driver.browser()
        self.addCleanup(browser.quit)
        browser.open(self.site.url())
        browser.wait_shown("#sign-in")
        return browser

    def sign_in(self, browser, name="ada", password="barnacle"):
        browser.type("input[name=name]", name)
        browser.type("input[name=password]", password)
        browser.click("#sign-in button")

    def signed_in(self, name="ada"):
        browser = self.browser()
        self.sign_in(browser, name)
        browser.wait_shown("#devices li")
        return browser

    def assert_signed_out(self, browser, why, seconds=10):
        browser.wait_shown("#sign-in", seconds)
        self.assertIn(why, browser.text("#message"))
        self.assertTrue(browser.script("return window.isTheSamePage"), "the page was reloaded")

    def mark(self, browser):
        """Leaves something on the page that a reload would take away."""
        browser.script("window.isTheSamePage = true")


class Devices(SiteTest):
    def test_a_wrong_password_lets_nobody_in(self):
        browser = self.browser()
        self.sign_in(browser, password="limpet")
        browser.wait(lambda: "do not go together" in browser.text("#message"), "it says why")
        self.assertNotIn(SESSION, browser.cookies())

    def test_scripts_see_no_token_but_the_access_token(self):
        browser = self.signed_in("grace")
        seen = browser.script("return document.cookie")
        self.assertIn(COMPANION + "=", seen)
        self.assertNotIn(SESSION + "=", seen)
        self.assertNotIn("refresh", seen)
        self.assertTrue(browser.cookies()[SESSION]["httpOnly"])

    def test_a_reload_and_an_old_access_token_are_refreshed(self):
        browser = self.signed_in("grace")
        first = browser.script("return state.access")
        browser.open(self.site.url())
        browser.wait_shown("#devices li")
        self.assertNotEqual(browser.script("return state.access"), first)
        browser.script("state.access = 'old'; list()")
        browser.wait(lambda: browser.script("return state.access") != "old", "it is refreshed")
        self.assertTrue(browser.is_shown("#signed-in"))

    def test_a_device_that_is_signed_out_from_another_reacts_at_once(self):
        here, there = self.signed_in(), self.signed_in()
        self.mark(there)
        here.script("list()")
        here.wait(lambda: here.script("return document.querySelectorAll('li').length") == 2, "two")
        here.script(
            "[...document.querySelectorAll('li')]"
            ".find((li) => !li.textContent.includes('this device')).querySelector('button').click()"
        )
        self.assert_signed_out(there, "signed out", seconds=3)
        here.wait(lambda: here.script("return document.querySelectorAll('li').length") == 1, "one")
        self.assertTrue(here.is_shown("#signed-in"))
        # Neither a reload nor its refresh token brings it back.
        there.open(self.site.url())
        there.wait_shown("#sign-in")

    def test_sign_out_everywhere_spares_another_account(self):
        here, there, other = self.signed_in(), self.signed_in(), self.signed_in("grace")
        for browser in (here, there):
            self.mark(browser)
        here.click("#revoke-all")
        self.assert_signed_out(here, "signed out")
        self.assert_signed_out(there, "signed out")
        self.assertTrue(other.is_shown("#signed-in"))

    def test_sign_out_clears_the_cookies(self):
        browser = self.signed_in()
        browser.click("#sign-out")
        browser.wait_shown("#sign-in")
        self.assertNotIn(SESSION, browser.cookies())
        browser.open(self.site.url())
        browser.wait_shown("#sign-in")

    def test_what_another_sites_page_sends_is_refused(self):
        for origin, wanted in [("cross-site", 403), ("same-origin", 401)]:
            request = urllib.request.Request(
                self.site.url("/api/refresh"), b"", {"Sec-Fetch-Site": origin}
            )
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request)
            self.assertEqual(refused.exception.code, wanted)
            refused.exception.close()


class Countdown(SiteTest):
    arguments = ("--idle-secs", str(IDLE_SECS))

    def test_the_page_warns_stays_when_asked_and_ends_without_a_reload(self):
        browser = self.signed_in()
        self.mark(browser)
        self.assertFalse(browser.is_shown("#warning"), "it is too early to warn")
        browser.wait_shown("#warning", IDLE_SECS)
        browser.click("#stay")
        browser.wait(lambda: not browser.is_shown("#warning"), "the warning goes")
        browser.wait_shown("#warning", IDLE_SECS)
        self.assert_signed_out(browser, "Nothing happened", IDLE_SECS + 5)


if __name__ == "__main__":
    unittest.main()
