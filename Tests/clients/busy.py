"""A daemon that has no place left: for tests of how clients try again."""

import contextlib
import threading

import httpx

from conftest import STORY, wait_for

GREEDY = {"temperature": 0, "max_tokens": 24}
ENDLESS = {"messages": STORY, "stream": True, "ignore_eos": True, "max_tokens": 6000, "temperature": 0}


def refusals(daemon):
    lines = httpx.get(f"{daemon.base_url}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("stellar_requests_rejected_total"))


class Busy:
    """A daemon whose one place and whose queue are taken until it has refused somebody."""

    def __init__(self, daemon):
        self.daemon = daemon

    def __enter__(self):
        self.places = contextlib.ExitStack()
        for count in (1, 2):
            url = f"{self.daemon.base_url}/v1/chat/completions"
            response = self.places.enter_context(httpx.stream("POST", url, json=ENDLESS, timeout=120))
            assert response.status_code == 200
            wait_for(lambda: sum(self.daemon.health()["queue"][k] for k in ("running", "paused", "waiting")) == count, "places are taken")
        self.before = refusals(self.daemon)
        self.thread = threading.Thread(target=self.release)
        self.thread.start()
        return self

    def release(self):
        with self.places:
            wait_for(lambda: refusals(self.daemon) > self.before, "somebody was refused", 60)

    def __exit__(self, *_):
        self.thread.join()
        assert refusals(self.daemon) > self.before
        wait_for(lambda: self.daemon.is_idle, "all places are free")
