"""A small WebDriver client (https://www.w3.org/TR/webdriver2/) over chromedriver, so that the test
of the site needs nothing from a package index: only Chromium, its driver and Python."""

import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # fixed by the standard


class Gone(Exception):
    """The element is not there, or no longer."""


class Driver:
    """One chromedriver process. Each of its browsers has a profile, and so cookies, of its own."""

    def __init__(self):
        program = shutil.which("chromedriver")
        if program is None:
            raise RuntimeError("chromedriver was not found: run .ci/browser.sh")
        self.process = subprocess.Popen(
            [program, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for line in self.process.stdout:
            if "started successfully on port" in line:
                port = int(line.split("port ")[1].rstrip(".\n"))
                self.address = f"http://127.0.0.1:{port}"
                return
        raise RuntimeError("chromedriver did not start")

    def browser(self):
        # --no-sandbox: CI runs as root, where Chromium refuses to start with its sandbox.
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"]
        options = {"goog:chromeOptions": {"args": arguments}, "browserName": "chrome"}
        answer = call(self.address, "POST", "/session", {"capabilities": {"alwaysMatch": options}})
        return Browser(f"{self.address}/session/{answer['sessionId']}")

    def quit(self):
        self.process.terminate()
        self.process.wait(10)


class Browser:
    def __init__(self, address):
        self.address = address

    def open(self, url):
        call(self.address, "POST", "/url", {"url": url})

    def path(self):
        return self.script("return location.pathname")

    def script(self, text, *arguments):
        body = {"script": text, "args": list(arguments)}
        return call(self.address, "POST", "/execute/sync", body)

    def script_async(self, text, *arguments):
        """The text calls its last argument with the result."""
        body = {"script": text, "args": list(arguments)}
        return call(self.address, "POST", "/execute/async", body)

    def find(self, selector):
        body = {"using": "css selector", "value": selector}
        return call(self.address, "POST", "/element", body)[ELEMENT]

    def is_shown(self, selector):
        try:
            return call(self.address, "GET", f"/element/{self.find(selector)}/displayed")
        except Gone:
            return False

    def text(self, selector):
        return call(self.address, "GET", f"/element/{self.find(selector)}/text")

    def click(self, selector):
        call(self.address, "POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        element = self.find(selector)
        call(self.address, "POST", f"/element/{element}/clear", {})
        call(self.address, "POST", f"/element/{element}/value", {"text": text})

    def devtools(self, command, **params):
        """What WebDriver has no word for (https://chromedevtools.github.io/devtools-protocol/)."""
        body = {"cmd": command, "params": params}
        return call(self.address, "POST", "/goog/cdp/execute", body)

    def before_each_page(self, text):
        """Runs the text in every page from now on, before the page's own scripts."""
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source=text)

    def reset(self, user_agent=""):
        """No page and no cookies, as if new, but without the second that a start takes."""
        self.open("about:blank")
        self.devtools("Network.clearBrowserCookies")
        self.devtools("Network.setUserAgentOverride", userAgent=user_agent)

    def cookies(self):
        """As the browser keeps them, the HttpOnly ones too: what no script of a page sees."""
        return {c["name"]: c for c in call(self.address, "GET", "/cookie")}

    def set_cookie(self, url, name, value):
        # WebDriver's own command refuses the prefix `__Host-`, as it names a domain.
        params = {"url": url, "name": name, "value": value, "path": "/", "secure": True}
        if not self.devtools("Network.setCookie", httpOnly=True, **params)["success"]:
            raise RuntimeError(f"the browser did not take the cookie {name}")

    def wait(self, condition, what, seconds=10):
        """Asks until the condition holds; a page that is being replaced counts as `not yet`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if answer := condition():
                    return answer
            except Gone:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s: {what}; the page says: {self.text('body')}")

    def wait_shown(self, selector, seconds=10):
        self.wait(lambda: self.is_shown(selector), f"{selector} is shown", seconds)

    def screenshot(self, path, width, height):
        call(self.address, "POST", "/window/rect", {"width": width, "height": height})
        with open(path, "wb") as file:
            file.write(base64.b64decode(call(self.address, "GET", "/screenshot")))

    def quit(self):
        call(self.address, "DELETE", "")


def call(address, method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]
    except urllib.error.HTTPError as error:
        value = json.load(error)["value"]
        if value["error"] in ("no such element", "stale element reference"):
            raise Gone(value["message"]) from None
        raise RuntimeError(f"{method} {path}: {value['error']}: {value['message']}") from None
