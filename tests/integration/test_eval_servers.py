"""The evaluation finds out whose server it was given."""

from __future__ import annotations

import pytest

from core.backends.ollama.client import Ollama
from core.backends.openai.client import OpenAi
from core.errors import ModelMissing, ModelNotServed
from tests.counterparts.ollama.server import OllamaServer
from tests.counterparts.openai.server import OpenAiServer
from tests.eval.language_models import connect


@pytest.mark.parametrize(
    ("server", "name", "client"),
    [(OllamaServer, "qwen3:8b", Ollama), (OpenAiServer, "qwen3-8b", OpenAi)],
)
async def test_a_model_is_reached_whichever_server_has_it(server, name, client):
    async with server(["Bees dance."]) as running, connect(running.url, name) as model:
        assert isinstance(model, client)
        assert model.num_ctx == 8192


@pytest.mark.parametrize(
    ("server", "error"), [(OllamaServer, ModelMissing), (OpenAiServer, ModelNotServed)]
)
async def test_a_model_that_is_not_there_is_told(server, error):
    async with server([]) as running:
        with pytest.raises(error):
            async with connect(running.url, "none:1b"):
                pass
