"""Everything that runs on a GPU, looked at in one go: is it right, how fast is it, and what waits for what.

python -m benchmarks.gpu --data FOLDER --quick      # about four minutes on an H100
python -m benchmarks.gpu --data FOLDER --only steps,recognition --out gpu.md

FOLDER holds `scenes/` and `words/`, as `generate.py` writes them; where it has none, both are made first. Each section
is a process of its own with a limit of time, so that neither a hang nor a fault of CUDA costs the others.
"""
