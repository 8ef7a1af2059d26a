"""A peer as `run.py` sees it: a worker process that waits between its turns."""

import json
import os
import pathlib
import selectors
import subprocess
import sys

from paths import HERE


class PeerFailed(Exception):
    """A peer could not be started or run; the message is the reason to report."""


class Peer:
    def __init__(self, peer, network, files, threads, timeout):
        """Starts a worker and waits until it has run once.

        Raises PeerFailed when it ends before that or takes longer than `timeout` seconds.
        """
        self.peer, self.files = peer, files
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads), "TORCHINDUCTOR_CACHE_DIR": str(files.folder / "inductor")}
        self.errors = files.log(peer).open("w")
        self.process = subprocess.Popen(
            [sys.executable, HERE / "worker.py", peer, network, files.folder, str(threads)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=environment)
        try:
            self.started = self.answer(timeout)
        except PeerFailed:
            self.stop()
            raise

    def ask(self, request, timeout):
        """The worker's answer to a request. Raises PeerFailed."""
        try:
            self.process.stdin.write(request + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerFailed(reason(self.files.log(self.peer), self.process.wait())) from None
        return self.answer(timeout)

    def answer(self, timeout):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout):
                raise PeerFailed(f"no answer in {timeout} s")
        line = self.process.stdout.readline()
        if not line:
            raise PeerFailed(reason(self.files.log(self.peer), self.process.wait()))
        return json.loads(line)

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.errors.close()


def reason(log: pathlib.Path, code):
    """The last line of a failed program's messages, which names the error."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f"ended with {code}: {lines[-1][:300] if lines else 'no message'}"


def run_script(script, *arguments, log, timeout):
    """Runs one of this folder's scripts. Raises PeerFailed when it fails or takes too long."""
    with log.open("w") as errors:
        try:
            code = subprocess.run([sys.executable, HERE / script, *map(str, arguments)], stdout=errors, stderr=errors,
                                  timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            raise PeerFailed(f"{script} took over {timeout} s") from None
    if code != 0:
        raise PeerFailed(reason(log, code))
