"""What the tests of the site have in common."""

import os
import tempfile
import unittest

from browser import Driver
from site_process import Site

PROGRAM = os.environ["SESSILE_WEB"]
SESSION, COMPANION = "__Host-sid", "__Host-sid-left"

driver = None
browsers = []  # those that are running, for the next test to use again


def setUpModule():
    global driver
    driver = Driver()
    unittest.addModuleCleanup(driver.quit)
    unittest.addModuleCleanup(lambda: [browser.quit() for browser in browsers])


class SiteTest(unittest.TestCase):
    arguments = ()

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.site = Site(PROGRAM, os.path.join(directory.name, "data"), *cls.arguments)
        cls.addClassCleanup(cls.site.stop)

    def setUp(self):
        self.unused = list(browsers)

    def browser(self, user_agent=""):
        """A browser, with a cookie jar of its own, as a new visitor has it."""
        if not self.unused:
            browsers.append(driver.browser())
            self.unused.append(browsers[-1])
        browser = self.unused.pop(0)
        browser.reset(user_agent)
        browser.open(self.site.url())
        return browser

    def browser_of_its_own(self):
        """One that no other test gets: for what cannot be undone."""
        browser = driver.browser()
        self.addCleanup(browser.quit)
        return browser

    def sign_in(self, browser, name="ada", password="barnacle"):
        browser.open(self.site.url("/sign-in"))
        browser.type("#name", name)
        browser.type("#password", password)
        browser.click("form[action='/sign-in'] button")
        browser.wait_shown("form[action='/sign-out']")

    def signed_in(self, name="ada", user_agent=""):
        browser = self.browser(user_agent)
        self.sign_in(browser, name)
        return browser

    def opened(self, browser, path):
        browser.open(self.site.url(path))
        return browser

    def mark(self, browser):
        """Leaves something on the page that a reload would take away."""
        browser.script("window.isTheSamePage = true")

    def assert_ended_without_reload(self, browser, why, seconds=10):
        browser.wait_shown(".ended h1", seconds)
        self.assertTrue(browser.script("return window.isTheSamePage"), "the page was reloaded")
        self.assertIn(why, browser.text("#ended-why"))
        focused = browser.script("return document.activeElement.textContent")
        self.assertEqual(browser.text(".ended h1"), focused)
        self.assertFalse(browser.is_shown("form[action='/notes']"), "what was on it is still shown")
        browser.wait(lambda: SESSION not in browser.cookies(), "the cookie is cleared")

    def post(self, browser, path, **fields):
        """Sends a form from the page, and gives the status of the answer."""
        return browser.script_async(
            """const [path, fields, done] = arguments;
            fetch(path, {method: "POST", body: new URLSearchParams(fields)})
                .then((answer) => done(answer.status));""",
            path,
            fields,
        )

    def csrf(self, browser):
        return browser.script("return document.querySelector('input[name=csrf]').value")
