"""Does a run on two machines survive the loss of one? Prints a Markdown table.

    python -m tests.faults.two_machines --yaml=craft_tiny --kill train.global_batch_size=8 train.end_iter=60 ...

Two agents of torchrun with two processes each (gloo, CPU) meet by c10d rendezvous: each in a network namespace of its
own, joined by a virtual cable, where the user may make such (root, with iproute2), else both on the loopback device.

The job is run once in peace. With `--kill` it is run once more under another name: after it has logged an iteration
beyond its last checkpoint, in the middle of the run, the agent that does not host the rendezvous gets SIGKILL, and
`--pause` seconds later it is started again with the same command. All that was logged and all values of the last
checkpoint must be those of the run in peace, bit for bit. Exit status 1 where they are not.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.training_kill import ROOT, differences, lines, logged, saved
from utils.run.folder import RunFolder

ADDRESSES = ("10.77.0.1", "10.77.0.2")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yaml", required=True, help="the recipe")
    parser.add_argument("--kill", action="store_true", help="run it again, and kill an agent")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds from the kill to the new start")
    parser.add_argument("--loopback", action="store_true", help="make no namespaces")
    parser.add_argument("--limit", type=float, default=600.0, help="seconds that a run may take")
    parser.add_argument("--folder", type=Path, help="where the runs go and stay; default: a temporary folder")
    parser.add_argument("overrides", nargs="*", metavar="key.sub=value")
    arguments = parser.parse_intermixed_args()
    # Ends as Ctrl-C does, so that nothing is left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory() as temporary, machines(loopback=arguments.loopback) as pair:
        return compare(arguments, (arguments.folder or Path(temporary)).resolve(), pair)


@dataclass(frozen=True)
class Machine:
    """What stands for a machine: how to start a program there, its address, and the name of its network device."""

    prefix: tuple[str, ...]
    address: str
    device: str


@contextmanager
def machines(*, loopback: bool) -> Iterator[tuple[Machine, Machine]]:
    """Give two machines for as long as the context lasts."""
    reason = "as asked" if loopback else why_no_namespaces()
    if reason:
        print(f"two agents on the loopback device ({reason})\n", flush=True)
        yield tuple(Machine((), f"127.0.0.{number}", "lo") for number in (1, 2))
        return
    names = [f"two_machines_{os.getpid()}_{number}" for number in (1, 2)]
    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "cable", "netns", names[0], "type", "veth", "peer", "name", "cable", "netns", names[1])
        for name, address in zip(names, ADDRESSES, strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
            for device in ("lo", "cable"):
                ip("-n", name, "link", "set", device, "up")
        print("two agents in two network namespaces, joined by a veth pair\n", flush=True)
        yield tuple(Machine(("ip", "netns", "exec", name), ADDRESSES[at], "cable") for at, name in enumerate(names))
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"ip {' '.join(words)}: {done.stderr.strip()}")


def why_no_namespaces() -> str | None:
    """Return what is missing for network namespaces, None where nothing is."""
    if shutil.which("ip") is None:
        return "there is no `ip`, which is part of iproute2"
    name = f"two_machines_{os.getpid()}_try"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
        used = subprocess.run(["ip", "netns", "exec", name, "true"], capture_output=True, text=True, check=False)
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return (
        (made.stderr or used.stderr).strip() or "no network namespace" if made.returncode or used.returncode else None
    )


@dataclass
class Agents:
    """The two agents of a run: the first one hosts the rendezvous and the process that writes the files."""

    commands: list[list[str]]
    environments: list[dict[str, str]]
    said: Path
    running: list[subprocess.Popen] = field(default_factory=list)
    starts: int = 0

    def start(self, number: int) -> None:
        self.starts += 1
        with open(self.told(number), "ab") as told:
            process = subprocess.Popen(
                self.commands[number],
                env=self.environments[number],
                cwd=ROOT,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )
        self.running[number : number + 1] = [process]

    def told(self, number: int) -> Path:
        return self.said / f"agent_{number + 1}.txt"

    def kill(self, number: int) -> None:
        """Kill an agent, and nothing but the agent; its processes notice."""
        self.running[number].kill()
        self.running[number].wait()

    def end(self) -> None:
        for number, process in enumerate(self.running):
            if process.poll() is None:
                self.kill(number)
        if self.running:
            time.sleep(1.5)  # Their processes look every half second whether they live.


@dataclass
class Outcome:
    """What came of a run."""

    folder: RunFolder
    seconds: float = 0.0
    killed_at: int | None = None
    back_after: float = 0.0
    starts: tuple[int, int] = (0, 0)
    resumed_from: list[int] = field(default_factory=list)

    @property
    def loss(self) -> float:
        return [line["loss"] for line in lines(self.folder) if line["split"] == "train"][-1]


def run(
    arguments: argparse.Namespace, pair: Sequence[Machine], folder: RunFolder, due: Callable[[RunFolder], bool] | None
) -> Outcome:
    """Train on both machines; kill the second one's agent, once, when `due` says so, and start it again."""
    agents = prepare(arguments, pair, folder)
    outcome, begun = Outcome(folder), time.perf_counter()
    killed = 0.0
    try:
        for number in (0, 1):
            agents.start(number)
        while any(process.poll() is None for process in agents.running):
            now = time.perf_counter()
            if now - begun > arguments.limit:
                raise SystemExit(f"{folder.root.name} was not done within {arguments.limit:g} s\n{tails(agents)}")
            if due is not None and not killed and due(folder):
                agents.kill(1)
                killed, outcome.killed_at = time.perf_counter(), logged(folder)
            if killed and agents.starts == 2 and now - killed >= arguments.pause:
                agents.start(1)
            if killed and not outcome.back_after and resumptions(agents):
                outcome.back_after = now - killed
            time.sleep(0.05)
    finally:
        agents.end()
    outcome.seconds = time.perf_counter() - begun - 1.5
    if any(process.returncode for process in agents.running):
        raise SystemExit(f"{folder.root.name} ended badly\n{tails(agents)}")
    if due is not None and not killed:
        raise SystemExit("the run was over before an agent could be killed; more train.end_iter is needed")
    outcome.starts = tuple(agents.told(number).read_text().count("Rendezvous complete") for number in (0, 1))
    outcome.resumed_from = resumptions(agents)
    return outcome


def prepare(arguments: argparse.Namespace, pair: Sequence[Machine], folder: RunFolder) -> Agents:
    # In a namespace every port is free, so a port that is free here is free in both cases.
    with socket.socket() as probe:
        probe.bind(("", 0))
        port = probe.getsockname()[1]
    job = [str(ROOT / "train_distributed.py"), f"--yaml={arguments.yaml}", *arguments.overrides]
    job += [f"name={folder.root.name}", f"results_dir={folder.root.parent}"]
    commands, environments = [], []
    for machine in pair:
        command = [*machine.prefix, sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=2"]
        command += ["--max-restarts=3", "--rdzv-backend=c10d", f"--rdzv-id={folder.root.name}"]
        command += [f"--rdzv-endpoint={pair[0].address}:{port}", f"--local-addr={machine.address}"]
        # By its address alone a machine that has several does not always know itself.
        command += [f"--rdzv-conf=is_host={int(machine is pair[0])}"]
        commands.append(command + job)
        own = {"GLOO_SOCKET_IFNAME": machine.device, "OMP_NUM_THREADS": "1", "LOGLEVEL": "INFO"}
        # By default the first agent tells the address of its store in the first round only, and one that comes later
        # waits for it in vain (torch 2.15).
        own["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
        environments.append({**os.environ, **own})
    said = folder.root.with_name(f"{folder.root.name}_said")
    said.mkdir(parents=True)
    return Agents(commands, environments, said)


def resumptions(agents: Agents) -> list[int]:
    """Return the iterations that the run went on from, by its own words."""
    return [int(step) for step in re.findall(r"resuming at iteration (\d+)", agents.told(0).read_text())]


def tails(agents: Agents) -> str:
    parts = [path.read_text(errors="replace")[-4000:] for path in map(agents.told, (0, 1)) if path.exists()]
    return "\n---\n".join(parts)


def in_the_middle(end: int) -> Callable[[RunFolder], bool]:
    """Return what tells that a run has logged two fifths of its iterations, and two that it has not saved.

    Not more than three, or the next one is saved before the others notice: `train.save_interval` must be 4 or more.
    """
    return lambda folder: (
        logged(folder) >= 2 * end // 5 and saved(folder) >= 0 and 2 <= logged(folder) - saved(folder) <= 3
    )


def compare(arguments: argparse.Namespace, folder: Path, pair: Sequence[Machine]) -> int:
    peaceful = run(arguments, pair, RunFolder(folder / "peaceful"), None)
    outcomes = [peaceful]
    if arguments.kill:
        outcomes.append(run(arguments, pair, RunFolder(folder / "killed"), in_the_middle(logged(peaceful.folder))))
    print(f"`{arguments.yaml} {' '.join(arguments.overrides)}`\n")
    titles = ["in peace", "one agent killed"][: len(outcomes)]
    print(f"| | {' | '.join(titles)} |\n|---|{'---|' * len(titles)}")
    for title, show in ROWS.items():
        print(f"| {title} | {' | '.join(show(outcome) for outcome in outcomes)} |")
    if not arguments.kill:
        return 0
    first, second = (lines(outcome.folder) for outcome in outcomes)
    losses = [{line["step"]: line["loss"] for line in one if line["split"] == "train"} for one in (first, second)]
    steps = losses[0].keys() | losses[1].keys()
    different = sum(losses[0].get(step) != losses[1].get(step) for step in steps)
    last, best = (differences(*(getattr(one.folder, name) for one in outcomes)) for name in ("last", "best"))
    print(f"| logged losses that differ | | {different} of {len(steps)} |")
    print(f"| lines of the log that differ | | {unequal(first, second)} of {len(first)} |")
    print(f"| values in `last.pth` that differ (weights, optimiser, scores) | | {last[0]} of {last[1]} |")
    print(f"| values in `best.pth` that differ | | {best[0]} of {best[1]} |")
    return int(different > 0 or first != second or last[0] > 0 or best[0] > 0)


def unequal(first: list[dict], second: list[dict]) -> int:
    return sum(one != other for one, other in zip(first, second, strict=False)) + abs(len(first) - len(second))


ROWS: dict[str, Callable[[Outcome], str]] = {
    "wall time": lambda one: f"{one.seconds:.0f} s",
    "times that the processes were started again, first / second machine": lambda one: " / ".join(
        str(count - 1) for count in one.starts
    ),
    "last iteration logged at the kill": lambda one: "" if one.killed_at is None else str(one.killed_at),
    "resumed from the checkpoint of iteration": lambda one: ", ".join(map(str, one.resumed_from)),
    "seconds from the kill to that": lambda one: f"{one.back_after:.0f}" if one.back_after else "",
    "iterations logged": lambda one: str(sum(line["split"] == "train" for line in lines(one.folder))),
    "final loss": lambda one: f"{one.loss!r}",
}


if __name__ == "__main__":
    sys.exit(main())
