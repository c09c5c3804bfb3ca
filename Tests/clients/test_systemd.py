"""sd_notify: readiness, watchdog and stopping, over real datagram sockets."""

import os
import socket
import time

import pytest

from daemon import Daemon


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_systemd_is_told_how_the_daemon_is(tmp_path, kind):
    address = str(tmp_path / "notify") if kind == "path" else f"\0stellar-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(30)
        with Daemon(NOTIFY_SOCKET=address.replace("\0", "@"), WATCHDOG_USEC=400_000) as daemon:
            said = []
            while not any("READY=1" in message for message in said):
                said.append(notify.recv(4096).decode())
            assert daemon.health()["status"] == "ok"
            start = time.monotonic()
            for _ in range(3):
                while notify.recv(4096) != b"WATCHDOG=1":
                    pass
            assert time.monotonic() - start < 30
            daemon.terminate()
            while "STOPPING=1" not in notify.recv(4096).decode():
                pass
            assert daemon.wait() == 0


def test_a_watchdog_of_another_process_is_none_of_ours(tmp_path):
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(address)
        notify.settimeout(30)
        with Daemon(NOTIFY_SOCKET=address, WATCHDOG_USEC=100_000, WATCHDOG_PID=1) as daemon:
            while "READY=1" not in notify.recv(4096).decode():
                pass
            notify.settimeout(1)
            with pytest.raises(TimeoutError):
                notify.recv(4096)
            assert daemon.process.poll() is None
