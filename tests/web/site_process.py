"""The site's process: started on a free port in a directory of its own, ended by its pid."""

import signal
import socket
import subprocess


class Site:
    def __init__(self, program, directory, *arguments):
        self.command = [program, "--data", directory, *arguments]
        # Taken before the first start, so that the site has the same address after a restart.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self):
        command = [*self.command, "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("http://localhost:"):
            raise RuntimeError(f"the site did not start: {line!r}")

    def url(self, path="/"):
        return f"http://localhost:{self.port}{path}"

    def kill(self):
        """As a crash does: nothing pending is written."""
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()

    def stop(self):
        """As Ctrl-C does. Gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self.process.stdout.close()
        return code
