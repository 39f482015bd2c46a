"""Settings of every training run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from config.schema.base import (
    NonNegativeFloat,
    NonNegativeInt,
    Options,
    PositiveFloat,
    PositiveInt,
    Section,
    UnitFloat,
)

ScheduleName = Annotated[
    str,
    Field(
        description="`step`: lr · gamma^(iteration // lr_decay). `cosine`: falls to 0 at `end_iter`. `constant`. "
        "`plateau`: multiplied by gamma after `plateau_patience` evaluations in a row without a new best score. Or the "
        "name of a schedule that a file in `utils/engine/schedules/` registers."
    ),
]
"""Name of a learning-rate schedule."""


class Training(Section):
    """A training run, counted in iterations."""

    batch_size: PositiveInt = 5
    """Samples of one process and one micro-batch: per GPU, as in EasyOCR."""
    global_batch_size: PositiveInt | None = None
    """Samples of an iteration over all processes and micro-batches; replaces `batch_size`. With this setting, a run
    gets the same batches on any number of GPUs."""
    accumulate: PositiveInt = 1
    """Gradient accumulation: micro-batches per iteration, for a larger batch in the same memory. Batch norms compute
    their statistics over each micro-batch."""
    sync_batchnorm: bool = False
    """Compute the statistics of batch norms over all processes; useful with few samples per GPU."""
    timeout_s: PositiveFloat = 600.0
    """Seconds that processes wait for one another before the run is aborted."""
    st_iter: NonNegativeInt = 0
    """First iteration of the run: training on from the weights of an earlier run without `--resume` continues the
    schedule here."""
    end_iter: PositiveInt = 50000
    """Iteration at which training ends."""
    compile: bool = False
    """Let `torch.compile` translate the training step into fused kernels, which takes minutes at the start; a compiler
    for the device must be installed (Triton on CUDA). Results differ by roundings."""
    validation: str | None = None
    """Name of the `test` entry evaluated during training; null uses the first one, `none` evaluates nothing."""
    eval_interval: PositiveInt = 1000
    """Iterations between two evaluations; the end of training is always evaluated."""
    save_interval: PositiveInt | None = None
    """Iterations between two writes of `last.pth`; null uses `eval_interval`."""
    keep_last: PositiveInt = 2
    """Number of checkpoints kept for `--resume`: `last.pth`, and in case it is damaged the older `previous_1.pth` and
    so on."""
    keep_interval: PositiveInt | None = None
    """Iterations between two `step_N.pth`, which are kept permanently; null writes none."""
    log_interval: PositiveInt = 50
    """Iterations between two lines of `metrics.jsonl` and `metrics_train.csv` and two TensorBoard scalars."""
    image_interval: PositiveInt = 1000
    """Iterations between two sets of pictures (input, targets, predictions) in TensorBoard."""
    num_workers: NonNegativeInt | None = None
    """Processes that prepare batches; 0 prepares them in the training process. null follows the cores that this process
    may use, shared with the others of the machine: all but one of them beside a GPU, at most 16, and a quarter of them
    where the network runs on a CPU, at most 4; at least 1. The order of the data does not depend on it."""
    cpu_threads: PositiveInt | None = None
    """Compute threads if the network runs on a CPU; null leaves the choice to torch, which uses all cores. Fewer are
    faster if the loader processes have as much work as the network. Another number of threads rounds sums in another
    order."""
    max_unreadable: UnitFloat = 0.01
    """Maximum share of unreadable samples; a higher share stops the run. It is checked from 1000 samples on."""
    max_nonfinite: PositiveInt = 5
    """Number of consecutive iterations with a non-finite loss or gradient after which the run stops. Each of them is
    skipped: the weights stay, and the batch is written to `bad_batches/`. fp16 allows 20 more while its loss scale
    settles."""
    optimizer: Literal["adam", "adamw", "adadelta"] = "adam"
    """Adam and Adadelta add `weight_decay` to the gradient, AdamW decouples it. Usual learning rates: 1e-4 to 1e-3 for
    Adam and AdamW, 1.0 for Adadelta."""
    lr: PositiveFloat = 1e-4
    """Learning rate after the warm-up."""
    weight_decay: NonNegativeFloat = 1e-5
    """Weight decay."""
    schedule: ScheduleName = "step"
    schedule_options: Options = {}
    """Options of the schedule, if it has any."""
    lr_decay: PositiveInt = 15000
    """Iterations between two steps of the `step` schedule."""
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Factor by which each step, or each plateau, multiplies the learning rate."""
    plateau_patience: PositiveInt = 5
    """Evaluations without a new best score after which `plateau` lowers the learning rate."""
    patience: PositiveInt | None = None
    """Evaluations without a new best score after which training ends early; null trains to `end_iter`."""
    warmup_iter: NonNegativeInt = 0
    """Iterations over which the learning rate rises linearly from 0."""
    grad_clip: NonNegativeFloat = 0.0
    """Maximum norm of the gradient; 0 turns clipping off."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the exponential moving average of the weights; if above 0, the averaged weights are evaluated."""

    @model_validator(mode="after")
    def _iterations_are_ordered(self) -> Training:
        if self.st_iter >= self.end_iter:
            raise ValueError(f"st_iter ({self.st_iter}) must be below end_iter ({self.end_iter})")
        return self
