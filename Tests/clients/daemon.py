#!/usr/bin/env python3
"""Runs the real daemon on a free port: as a class for the tests, and as a program around a command.

    daemon.py [--web-root DIR] [--set NAME=VALUE] -- COMMAND…      runs COMMAND with STELLAR_BASE_URL set to a ready daemon's address

STELLAR_BIN is the directory of the programs (.build/release by default), STELLAR_TEST_MODEL the model.
"""

import argparse
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

import httpx

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(os.environ.get("STELLAR_BIN") or ROOT / ".build/release")
MODEL = pathlib.Path(os.environ.get("STELLAR_TEST_MODEL") or ROOT / "models/test/SmolLM-135M-Instruct")
# Of the daemon's own variables nothing is inherited: a test says what it sets.
VARIABLES = {
    "MODEL_PATH", "HOST", "PORT", "THREADS", "PRECISION", "DEVICE", "KV_CACHE", "CONTEXT_LENGTH", "MAX_BATCH", "MAX_QUEUE", "LOG_LEVEL", "LOG_FORMAT",
    "LOG_FILE", "WEB_ROOT", "API_KEYS", "API_KEYS_FILE", "CORS_ALLOWED_ORIGINS", "RATE_LIMIT", "DATA_DIR",
    "LOG_FILE_SIZE", "LOG_FILE_COUNT", "LOG_PROMPTS", "REQUEST_TIMEOUT", "WRITE_TIMEOUT", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
    "ADMIN_API_KEY", "ALLOWED_HOSTS", "TRUSTED_PROXIES", "METRICS_PUBLIC", "SESSIONS", "XDG_DATA_HOME",
    "TLS_CERTIFICATE", "TLS_PRIVATE_KEY",
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """One `stellarchatd` process; what it prints goes to `log`. Its database is in a directory of its own unless DATA_DIR is given."""

    def __init__(self, *, preexec=None, **variables):
        self.own_data = None if "DATA_DIR" in variables else tempfile.TemporaryDirectory(prefix="stellarchat-")
        variables.setdefault("DATA_DIR", self.own_data and self.own_data.name)
        self.data = pathlib.Path(variables["DATA_DIR"])
        self.port = int(variables.get("PORT") or free_port()) if str(variables.get("PORT", "0")).isdigit() else 0
        settings = {"MODEL_PATH": str(MODEL), "HOST": "127.0.0.1", "PORT": str(self.port), **{k: str(v) for k, v in variables.items()}}
        environment = {k: v for k, v in os.environ.items() if k not in VARIABLES} | settings
        self.certificate = variables.get("TLS_CERTIFICATE")
        self.base_url = f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [PROGRAMS / "stellarchatd"], env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
            preexec_fn=preexec,
        )

    @property
    def trust(self):
        """What clients check the daemon's certificate with."""
        return ssl.create_default_context(cafile=self.certificate) if self.certificate else True

    @property
    def log(self):
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def wait_until_ready(self, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"stellarchatd ended with {self.process.returncode}:\n{self.log}")
            try:
                if httpx.get(f"{self.base_url}/api/health", timeout=5, verify=self.trust).status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise RuntimeError(f"stellarchatd was not ready after {seconds} s:\n{self.log}")

    def health(self):
        return httpx.get(f"{self.base_url}/api/health", timeout=30, verify=self.trust).json()

    @property
    def is_idle(self):
        """Whether no reply is generated, rests or waits."""
        queue = self.health()["queue"]
        return queue["running"] + queue["paused"] + queue["waiting"] == 0

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds=60):
        """The exit status; negative: the signal that killed it."""
        return self.process.wait(timeout=seconds)

    def stop(self):
        """Ends the process, and closes what it printed."""
        if self.process.poll() is None:
            self.terminate()
            try:
                self.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.wait()
        if self.own_data:
            self.own_data.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--web-root", type=pathlib.Path)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of the daemon")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    variables = dict(setting.split("=", 1) for setting in options.set)
    if options.web_root:
        variables["WEB_ROOT"] = options.web_root.resolve()
    with Daemon(**variables) as daemon:
        daemon.wait_until_ready()
        status = subprocess.run(options.command, env=os.environ | {"STELLAR_BASE_URL": daemon.base_url}).returncode
        alive = daemon.process.poll() is None
    if status != 0 or not alive:
        print(daemon.log[-8000:], file=sys.stderr)
    sys.exit(status if alive else status or 1)


if __name__ == "__main__":
    main()
