"""What loads nothing heavy must keep loading nothing heavy: these libraries take seconds to import."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = [
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "ray",
    "seaborn",
    "matplotlib",
    "pandas",
    "pyarrow",
    "scipy",
    "statsmodels",
    "lingua",
]
LIGHT = {
    "the package": "import inoc_evals",
    "what Inspect loads": "import inoc_evals._registry",
    "the analysis": "from inoc_evals.analysis import differences, load, rates, read",
    "inoc-evals list": "from inoc_evals.cli import main; main(['list'])",
    "inoc-evals doctor": "from inoc_evals.cli import main; main(['doctor'])",
}


@pytest.mark.parametrize("code", LIGHT.values(), ids=LIGHT)
def test_nothing_heavy_is_loaded(code: str, tmp_path: Path) -> None:
    program = (
        f"import sys\ntry:\n    {code}\nexcept SystemExit:\n    pass\n"
        f"print('loaded:', *[name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["loaded:"]
