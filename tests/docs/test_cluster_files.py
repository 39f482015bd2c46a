"""The files for Slurm and Kubernetes: their syntax, and the batch script with Slurm's commands played by others."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SBATCH = ROOT / "docs" / "cluster" / "craft.sbatch"
JOB = ROOT / "docs" / "cluster" / "pytorchjob.yaml"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")


def checked(script: str) -> None:
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_the_batch_script_is_bash():
    checked(SBATCH.read_text(encoding="utf-8"))


def test_the_manifest():
    job = yaml.safe_load(JOB.read_text(encoding="utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "PyTorchJob")
    worker = job["spec"]["pytorchReplicaSpecs"]["Worker"]
    policy = job["spec"]["elasticPolicy"]
    assert policy["minReplicas"] == policy["maxReplicas"] == worker["replicas"]
    pod = worker["template"]["spec"]
    (container,) = pod["containers"]
    assert container["name"] == "pytorch"
    script = container["args"][0]
    checked(script)
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert pod["terminationGracePeriodSeconds"] > int(variables["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"])
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_torchrun_knows_the_options():
    from torch.distributed.run import get_args_parser

    for text in (SBATCH.read_text(encoding="utf-8"), JOB.read_text(encoding="utf-8")):
        command = re.search(r"^ *(?:srun|exec) .*?torchrun (.*?)train_distributed\.py", text, re.MULTILINE | re.DOTALL)
        words = command[1].replace("\\\n", " ").split()
        parser = get_args_parser()
        known = {option for action in parser._actions for option in action.option_strings}
        assert {word.split("=")[0] for word in words} <= known
        assert parser.parse_args([*words, "train_distributed.py"]).nproc_per_node == "gpu"


@pytest.fixture
def cluster(tmp_path: Path):
    """Slurm's commands as scripts that write down how they were called."""
    commands = tmp_path / "bin"
    commands.mkdir()
    calls = tmp_path / "calls"
    # The shell of a real srun hands signals on; here it ends like torchrun after one.
    step = f"""trap 'echo "srun got USR1" >> {calls}; sleep 0.3; exit 1' USR1
echo "srun $*" >> {calls}
if [ -n "${{FAIL:-}}" ]; then exit 7; fi
for _ in $(seq 100); do sleep 0.1; done"""
    scontrol = f"""echo "scontrol $*" >> {calls}
[ "$1" = show ] && printf 'node1\\nnode2\\n'"""
    for name, body in (("srun", step), ("scontrol", scontrol)):
        (commands / name).write_text(f"#!/bin/bash\n{body}\ntrue\n", encoding="utf-8")
        (commands / name).chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "SLURM_JOB_ID": "17", "SLURM_NNODES": "2",
        "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_SUBMIT_DIR": str(tmp_path),
    }  # fmt: skip

    def start(*arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", str(SBATCH), *arguments], env={**environment, **more}, text=True, stdout=subprocess.PIPE
        )

    return start, calls


def wait_for(calls: Path, text: str) -> None:
    deadline = time.monotonic() + 30
    while not (calls.exists() and text in calls.read_text()):
        assert time.monotonic() < deadline, f"{text} did not come"
        time.sleep(0.05)


def test_when_time_is_up_the_job_saves_and_is_queued_again(cluster, tmp_path):
    start, calls = cluster
    (tmp_path / "exp" / "mine" / "checkpoints").mkdir(parents=True)
    (tmp_path / "exp" / "mine" / "checkpoints" / "last.pth").touch()
    job = start("config/mine.yaml", "train.lr=1e-3")
    wait_for(calls, "srun --kill")
    time.sleep(0.3)
    job.send_signal(signal.SIGUSR1)
    assert job.wait(30) == 0
    lines = calls.read_text().splitlines()
    assert lines[-2:] == ["srun got USR1", "scontrol requeue 17"]
    command = next(line for line in lines if line.startswith("srun --"))
    assert "--nnodes=2" in command and "--rdzv-endpoint=node1:29500" in command and "SIGUSR1" in command
    assert command.endswith("train_distributed.py --yaml=config/mine.yaml --resume train.lr=1e-3")
    assert "queued again" in job.communicate()[0]


def test_a_failure_is_not_queued_again(cluster):
    start, calls = cluster
    job = start(FAIL="1")
    assert job.wait(30) == 7
    job.communicate()
    assert "requeue" not in calls.read_text()
    assert calls.read_text().splitlines()[-1].endswith("train_distributed.py --yaml=syn_train")
