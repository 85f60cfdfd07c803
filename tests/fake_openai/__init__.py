"""A loopback server that speaks OpenAI's chat completions, with faults on demand.

with FakeOpenAI(answer=lambda request: reply("Hello"), faults=Faults(rate=0.2, seed=1)) as server:
    model = server.model()                  # Inspect's own openai/ provider, over real HTTP
    ...
server.faults_served                        # Counter({'429': 3, 'truncated': 2})
"""

from tests.fake_openai.faults import FAULTS, Fault, Faults, Request
from tests.fake_openai.finetuning import FinetuningServer
from tests.fake_openai.replies import Reply, Token, distribution, reply, silence
from tests.fake_openai.server import FakeOpenAI

__all__ = [
    "FAULTS",
    "FakeOpenAI",
    "Fault",
    "Faults",
    "FinetuningServer",
    "Reply",
    "Request",
    "Token",
    "distribution",
    "reply",
    "silence",
]
