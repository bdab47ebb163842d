"""The end of a session, as an open page counts down to it: `make web-test`."""

import time
import unittest

from site_test import COMPANION, SESSION, SiteTest, setUpModule  # noqa: F401

# Short enough to see the end of a session, long enough for a busy machine to react in between.
IDLE_SECS = 6


class Countdown(SiteTest):
    arguments = ("--idle-secs", str(IDLE_SECS))

    def test_the_page_warns_stays_when_asked_and_reacts_at_the_end(self):
        browser = self.signed_in()
        self.mark(browser)
        begun = time.monotonic()
        self.assertFalse(browser.is_shown("#warning"), "it is too early to warn")
        browser.wait_shown("#warning", IDLE_SECS)
        self.assertGreater(time.monotonic() - begun, IDLE_SECS / 2 - 2)
        self.assertIn("signed out in", browser.script("return spoken.textContent"))

        token = browser.cookies()[SESSION]["value"]
        browser.click("#stay button")
        browser.wait(lambda: not browser.is_shown("#warning"), "the warning goes")
        stayed = time.monotonic()
        self.assertEqual(browser.cookies()[SESSION]["value"], token)

        browser.wait_shown("#warning", IDLE_SECS)
        # That the page asks whether the session lives does not make it live longer.
        left = browser.script_async(
            """const [name, done] = arguments;
            fetch("/alive").then(() => done(document.cookie.split(name + "=")[1].split(".")[0]));""",
            COMPANION,
        )
        self.assertLessEqual(int(left), IDLE_SECS / 2)
        self.assert_ended_without_reload(browser, "Nothing happened", IDLE_SECS)
        lasted = time.monotonic() - stayed
        self.assertGreater(lasted, IDLE_SECS - 2, "it ended before its time")
        self.assertLess(lasted, IDLE_SECS + 5, "it did not end in time")
        self.assertNotIn(COMPANION, browser.script("return document.cookie"))
        browser.open(self.site.url("/devices"))
        self.assertEqual(browser.path(), "/sign-in")

    def test_a_computer_with_a_wrong_clock_counts_right(self):
        browser = self.browser_of_its_own()
        self.sign_in(browser)
        # An hour ahead, from before the page's own script runs.
        browser.before_each_page("const now = Date.now; Date.now = () => now() + 3_600_000;")
        browser.open(self.site.url("/"))
        browser.wait(lambda: browser.text("#left-time"), "the countdown is there")
        minutes, seconds = browser.text("#left-time").split(":")
        self.assertEqual(minutes, "0")
        self.assertIn(int(seconds), range(IDLE_SECS - 3, IDLE_SECS + 1))


if __name__ == "__main__":
    unittest.main()
