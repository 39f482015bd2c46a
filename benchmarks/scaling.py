"""What 8, 64 and 512 GPUs would ask of the network, the loaders and the storage, and which of them is the limit.

python -m benchmarks.scaling --images-per-s 50 --batch 8 --bandwidth-gb-s 25 --loader-images-per-s-core 56 --cores 64

Arithmetic only, nothing is measured: the throughput of a GPU and the bandwidth are yours to fill in; where to read them
off is in docs/distributed.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

CRAFT_PARAMETERS = 20_770_466
BACKWARD_SHARE = 2 / 3
"""Of a step's arithmetic: a backward pass multiplies twice as many matrices as a forward pass."""


@dataclass(frozen=True)
class Cluster:
    """What is given.

    Attributes:
        images_per_s: of one GPU that waits for nothing.
        batch: images of a GPU and micro-batch.
        accumulate: micro-batches of an optimiser step.
        bandwidth: bytes per second of an all-reduce between nodes, the bus bandwidth that nccl-tests print.
        node_bandwidth: the same between the GPUs of one node.
        loader_rate: images per second that one CPU core prepares.
        cores: of a node, for loading.
        image_bytes: read from storage for an image.
        gpus_per_node: GPUs of a node.
        parameters: of the network; a gradient is a float32.
    """

    images_per_s: float
    batch: int
    bandwidth: float
    node_bandwidth: float
    loader_rate: float
    cores: int
    image_bytes: float
    accumulate: int = 1
    gpus_per_node: int = 8
    parameters: int = CRAFT_PARAMETERS

    @property
    def gradient_bytes(self) -> int:
        """What is averaged over the GPUs once an optimiser step."""
        return 4 * self.parameters

    @property
    def compute_s(self) -> float:
        """Seconds of an optimiser step on one GPU that waits for nothing."""
        return self.batch * self.accumulate / self.images_per_s

    def ring_bytes(self, gpus: int) -> float:
        """Return the bytes that each GPU sends, and receives, in a ring all-reduce."""
        return 2 * (gpus - 1) / gpus * self.gradient_bytes

    def all_reduce_s(self, gpus: int) -> float:
        bandwidth = self.node_bandwidth if gpus <= self.gpus_per_node else self.bandwidth
        return self.ring_bytes(gpus) / bandwidth

    def synchronised_s(self, gpus: int, *, hidden: bool) -> float:
        """Return the seconds of a step with its all-reduce: `hidden` behind the last backward pass, or after it."""
        behind = BACKWARD_SHARE * self.compute_s / self.accumulate if hidden else 0.0
        return self.compute_s + max(0.0, self.all_reduce_s(gpus) - behind)

    def data_s(self, gpus: int) -> float:
        """Return the seconds in which a node's loaders prepare what its GPUs take for a step."""
        return self.batch * self.accumulate * min(gpus, self.gpus_per_node) / (self.cores * self.loader_rate)

    def rate(self, gpus: int, *, hidden: bool) -> float:
        """Return images per second of all GPUs together."""
        step = max(self.synchronised_s(gpus, hidden=hidden), self.data_s(gpus))
        return gpus * self.batch * self.accumulate / step

    def limit(self, gpus: int) -> str:
        """Return what the others wait for, where the all-reduce is hidden as well as it can be."""
        if self.data_s(gpus) > self.synchronised_s(gpus, hidden=True):
            return "data"
        return "network" if self.synchronised_s(gpus, hidden=True) > self.compute_s else "GPU"

    def network_limit(self, gpus: int) -> float:
        """Return the images per second of a GPU from which on the all-reduce can no longer be hidden."""
        seconds = self.all_reduce_s(gpus)
        return BACKWARD_SHARE * self.batch / seconds if seconds else float("inf")

    def data_limit(self, gpus: int) -> float:
        """Return the images per second of a GPU from which on the loaders are too slow."""
        return self.cores * self.loader_rate / min(gpus, self.gpus_per_node)


HEADER = (
    "| GPUs | global batch | all-reduce, ms | images/s, it hidden / not | of N times one GPU "
    "| storage, MB/s a node / all | images opened per s | limit | network limits from | data limits from |"
)


def row(cluster: Cluster, gpus: int) -> str:
    """Return a line of the table; the last two columns are in images per second of one GPU."""
    best, worst = cluster.rate(gpus, hidden=True), cluster.rate(gpus, hidden=False)
    ideal = gpus * cluster.images_per_s
    megabytes = best * cluster.image_bytes / 1e6
    nodes = -(-gpus // cluster.gpus_per_node)
    network = cluster.network_limit(gpus)
    return (
        f"| {gpus} | {gpus * cluster.batch * cluster.accumulate:,} | {1e3 * cluster.all_reduce_s(gpus):.1f} "
        f"| {best:,.0f} / {worst:,.0f} | {best / ideal:.0%} / {worst / ideal:.0%} "
        f"| {megabytes / nodes:,.1f} / {megabytes:,.1f} | {best:,.0f} | {cluster.limit(gpus)} "
        f"| {'never' if network == float('inf') else format(network, ',.0f')} | {cluster.data_limit(gpus):,.0f} |"
    )


def table(cluster: Cluster, gpus: Sequence[int]) -> str:
    """Return the figures as a table in Markdown."""
    lines = [HEADER, "|---" * (HEADER.count("|") - 1) + "|", *(row(cluster, number) for number in gpus)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images-per-s", type=positive, required=True, help="of one GPU that waits for nothing")
    parser.add_argument("--bandwidth-gb-s", type=positive, required=True, help="all-reduce bus bandwidth between nodes")
    parser.add_argument(
        "--node-bandwidth-gb-s", type=positive, help="the same within a node; as between nodes if left out"
    )
    parser.add_argument("--loader-images-per-s-core", type=positive, required=True, help="see check.py, 'data'")
    parser.add_argument("--cores", type=whole, required=True, help="of a node, for loading")
    parser.add_argument(
        "--mb-per-image", type=positive, default=0.048, help="0.048: SynthText, 41 GB of 858,750 images"
    )
    parser.add_argument("--batch", type=whole, default=8, help="images of a GPU and micro-batch")
    parser.add_argument("--accumulate", type=whole, default=1)
    parser.add_argument("--gpus-per-node", type=whole, default=8)
    parser.add_argument("--parameters", type=whole, default=CRAFT_PARAMETERS)
    parser.add_argument("--gpus", type=whole, nargs="+", default=[1, 8, 64, 512])
    given = parser.parse_args()
    cluster = Cluster(
        images_per_s=given.images_per_s,
        batch=given.batch,
        bandwidth=1e9 * given.bandwidth_gb_s,
        node_bandwidth=1e9 * (given.node_bandwidth_gb_s or given.bandwidth_gb_s),
        loader_rate=given.loader_images_per_s_core,
        cores=given.cores,
        image_bytes=1e6 * given.mb_per_image,
        accumulate=given.accumulate,
        gpus_per_node=given.gpus_per_node,
        parameters=given.parameters,
    )
    print(f"gradient: {cluster.parameters:,} parameters, {cluster.gradient_bytes / 1e6:.2f} MB per optimiser step")
    print(f"a node needs {cluster.images_per_s * cluster.gpus_per_node / cluster.loader_rate:.1f} cores for loading\n")
    print(table(cluster, given.gpus))


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value


def whole(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return value


if __name__ == "__main__":
    main()
