"""Weights from the Hub, which is a server of this process."""

import hashlib
import json
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from huggingface_hub import constants
from languages import gpt2, word_tokenizer
from small_model import equal, one_sentence

from kdlite import lm
from kdlite.lm import weights
from kdlite.lm.weights import load

COMMIT = "0123456789" * 4


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as a download needs."""

    def do_GET(self):
        path = self.path.split("?")[0]
        self.server.asked.append((path, self.headers.get("authorization")))
        files = {f.name: f.read_bytes() for f in self.server.folder.iterdir()}
        info = {"id": self.server.repo, "sha": COMMIT, "modelId": self.server.repo}
        blob = {name: hashlib.sha1(content).hexdigest() for name, content in files.items()}
        if path.startswith("/api/") and "/tree/" in path:
            self.answer(
                [{"type": "file", "path": n, "size": len(c), "oid": blob[n]} for n, c in files.items()]
            )
        elif path.startswith(f"/api/models/{self.server.repo}"):
            self.answer(info | {"siblings": [{"rfilename": n, "size": len(c)} for n, c in files.items()]})
        elif (name := path.split("/")[-1]) in files and name != self.server.lost:
            self.answer(files[name], blob[name])
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def answer(self, content, etag=None):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/octet-stream" if etag else "application/json")
        if etag:
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


class TestHub:
    @pytest.fixture
    def hub(self, small, tmp_path, monkeypatch):
        """A Hub with the small model, a pickle and a file in a format that is not asked for."""
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setenv("KDLITE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        server.repo = "HuggingFaceTB/SmolLM2-135M"
        server.folder, server.asked, server.lost = tmp_path / "served", [], None
        small.model.save_pretrained(server.folder)
        for name in ("pytorch_model.bin", "training_args.bin", "model.onnx"):
            (server.folder / name).write_bytes(b"0" * 1000)
        place = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", place)
        template = place + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
        server.server_close()

    def test_download_then_cache(self, small, hub, monkeypatch):
        options = {"prompt": [17], "dtype": torch.float32}
        model = load("SmolLM2-135M", **options)
        assert equal(model, small)
        assert model.source == f"hub:HuggingFaceTB/SmolLM2-135M:commit={COMMIT}"
        assert not any(path.endswith((".bin", ".onnx")) for path, _ in hub.asked)
        assert {token for _, token in hub.asked} == {None}
        asked = len(hub.asked)
        monkeypatch.setattr(weights, "_hub_bytes", lambda *_: pytest.fail("the Hub was asked"))
        for source in ("auto", "hub"):
            assert load("HuggingFaceTB/SmolLM2-135M", source, **options).source == model.source
        assert len(hub.asked) == asked

    def test_any_repository_in_any_revision(self, hub):
        """With an architecture of its own, and a tokenizer whose prompt is text."""
        shutil.rmtree(hub.folder)
        hub.repo, model = "somebody/two-layers", gpt2(lm.Language(12, 8, (3,), eos=0))
        model.model.config.eos_token_id = 0
        model.model.save_pretrained(hub.folder)
        word_tokenizer().save_pretrained(hub.folder)
        found = load("somebody/two-layers@v1.0", prompt="the lily", length=8, dtype=torch.float32)
        assert equal(found, model) and found.prompt == (3, 4) and found.language.eos == 0
        assert found.source == f"hub:somebody/two-layers:commit={COMMIT}"
        assert any("v1.0" in path for path, _ in hub.asked)
        assert found.sample(2, 0).shape == (2, 8)

    def test_a_configuration_alone_is_a_small_file(self, hub):
        for _ in range(2):
            assert weights.config_of("SmolLM2-135M", "hub").hidden_size == 32
        assert not any(path.endswith(".safetensors") for path, _ in hub.asked)
        hub.lost = "config.json"
        with pytest.raises(ConnectionError, match=r"gives no config\.json of no/body"):
            weights.config_of("no/body")

    def test_a_repository_of_pickles_is_refused(self, hub):
        (hub.folder / "model.safetensors").unlink()
        with pytest.raises(FileNotFoundError, match=r"model\.safetensors is missing, and pickles are not"):
            load("SmolLM2-135M", "hub", prompt=[17])
        assert not any(path.endswith(".bin") for path, _ in hub.asked)

    def test_interrupted_download_is_not_taken_for_a_model(self, small, hub):
        hub.lost = "model.safetensors"
        with pytest.raises(ConnectionError, match=r"SmolLM2-135M was interrupted: .*; run it again") as error:
            load("SmolLM2-135M", "hub", prompt=[17])
        assert one_sentence(error)
        hub.lost = None
        assert equal(load("SmolLM2-135M", "hub", prompt=[17], dtype=torch.float32), small)

    def test_server_that_says_nothing_is_not_waited_for(self, hub, monkeypatch):
        wait = threading.Event()
        monkeypatch.setattr(Hub, "do_GET", lambda self: wait.wait(60))
        assert weights._hub_bytes("HuggingFaceTB/SmolLM2-135M", seconds=0.1) is None
        wait.set()

    def test_auto_falls_back_on_the_package_where_there_is_one(self, cache, index):
        assert load("SmolLM2-135M-Instruct").source.startswith("package:")
        with pytest.raises(ConnectionError, match=r"SmolLM2-1.7B is not on .* within 5 s, .*pass a") as error:
            load("SmolLM2-1.7B")
        assert len(index) == 1 and one_sentence(error)
