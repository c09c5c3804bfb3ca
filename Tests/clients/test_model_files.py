"""Model files that are damaged: an error that names the file, or a model that works; never a crash or a hang."""

import concurrent.futures
import os
import random
import shutil

import httpx
import pytest

from daemon import Daemon

FLIPS = 200
TRUNCATIONS = 50
# Two loads at a time: each takes about a second and the memory of one model.
WORKERS = 2


@pytest.fixture
def copy(model_file, tmp_path):
    return shutil.copyfile(model_file, tmp_path / "model.gguf")


def expect_error(cli, path):
    result = cli("generate", path, "--prompt", "hi", "--max-tokens", "2")
    assert result.returncode != 0
    assert str(path) in result.stderr or path.name in result.stderr, result.stderr[-500:]
    return result.stderr


def test_a_missing_file_is_an_error(cli, tmp_path):
    expect_error(cli, tmp_path / "nothing.gguf")


def test_an_empty_directory_is_an_error(cli, tmp_path):
    expect_error(cli, tmp_path)


@pytest.mark.parametrize("content", [b"", b"G", b"GGUF", b"GGUF\3\0\0\0", b"\0" * 4096, b"PK\3\4" * 1000, b"GGUF" + b"\xff" * 4096])
def test_a_file_that_is_no_model_is_an_error(cli, tmp_path, content):
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    expect_error(cli, file)


def test_a_wrong_magic_is_an_error_that_says_so(cli, copy):
    with open(copy, "r+b") as file:
        file.write(b"GGML")
    assert "GGUF" in expect_error(cli, copy)


def test_an_unreadable_file_is_an_error(cli, copy):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    copy.chmod(0)
    expect_error(cli, copy)


def test_a_truncated_file_is_an_error_at_every_length(cli, copy):
    size = copy.stat().st_size
    randomness = random.Random(20)
    # Half of them in the header and the metadata (the first 2 MB), where most of the parsing is.
    lengths = {randomness.randrange(1, 2_000_000) for _ in range(TRUNCATIONS // 2)} | {size - 1, size - 34}
    while len(lengths) < TRUNCATIONS:
        lengths.add(randomness.randrange(size))
    for length in sorted(lengths, reverse=True):
        os.truncate(copy, length)
        expect_error(cli, copy)


def flip(path, bit):
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ (1 << bit % 8)]))


def test_a_flipped_bit_is_an_error_or_a_model(cli, model_file, tmp_path):
    size = model_file.stat().st_size * 8
    randomness = random.Random(135)
    # A third each: the first 4 KiB (header and first keys), the metadata, anywhere.
    bits = [randomness.randrange((4096 * 8, 2_000_000 * 8, size)[i % 3]) for i in range(FLIPS)]

    def work(worker):
        path = shutil.copyfile(model_file, tmp_path / f"{worker}.gguf")
        refused = 0
        for bit in bits[worker::WORKERS]:
            flip(path, bit)
            result = cli("generate", path, "--prompt", "hi", "--max-tokens", "2")
            assert result.returncode == 0 or result.stderr.strip(), f"bit {bit}: refused without a word"
            refused += result.returncode != 0
            flip(path, bit)
        return refused

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        refused = sum(pool.map(work, range(WORKERS)))
    assert 0 < refused < FLIPS, "some bits matter to the format and some do not"


DAMAGES = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: os.truncate(path, 0),
    "truncated": lambda path: os.truncate(path, path.stat().st_size // 2),
    "wrong magic": lambda path: flip(path, 3),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_the_daemon_says_what_is_wrong_with_its_model(copy, damage):
    """It ends with an error status, or stays up and says the reason in its health."""
    damage(copy)
    with Daemon(MODEL_PATH=copy) as daemon:
        for _ in range(600):
            if daemon.process.poll() is not None:
                assert daemon.process.returncode > 0 and copy.name in daemon.log
                return
            try:
                health = httpx.get(f"{daemon.base_url}/api/health", timeout=5)
            except httpx.TransportError:
                continue
            if health.json()["status"] == "error":
                assert health.status_code == 503 and copy.name in health.json()["message"]
                return
        raise AssertionError(f"neither ended nor said anything:\n{daemon.log}")
