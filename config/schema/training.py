"""Settings that every training run has, whatever it trains."""

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
        description="`step`: lr · gamma^(iteration // lr_decay). `cosine`: down to 0 at `end_iter`. `constant`. "
        "`plateau`: times gamma whenever `plateau_patience` evaluations in a row have not been the best so far. Or the "
        "name of a schedule that a file in `utils/engine/schedules/` registers."
    ),
]
"""Name of a learning-rate schedule."""


class Training(Section):
    """A training run, counted in iterations."""

    batch_size: PositiveInt = 5
    """Samples of one process and one micro-batch: per GPU, as in EasyOCR."""
    global_batch_size: PositiveInt | None = None
    """Samples of an iteration, of all processes and micro-batches together; replaces `batch_size`. With it a run is the
    same run on any number of GPUs."""
    accumulate: PositiveInt = 1
    """Micro-batches of an iteration, one after the other: a larger batch in the same memory. Batch norms take their
    statistics of each micro-batch."""
    sync_batchnorm: bool = False
    """Let batch norms take their statistics over all processes; for few samples per GPU."""
    timeout_s: PositiveFloat = 600.0
    """Seconds that processes wait for one another before the run is given up."""
    st_iter: NonNegativeInt = 0
    """Iteration the schedule starts from when weights of an earlier run are continued without `--resume`."""
    end_iter: PositiveInt = 50000
    """Iteration at which training ends."""
    compile: bool = False
    """Let `torch.compile` translate the training step into fused kernels, which takes minutes at the start; a compiler
    for the device must be installed (Triton on CUDA). Results differ by roundings."""
    validation: str | None = None
    """Name of the `test` entry evaluated during training; null takes the first one, `none` evaluates nothing."""
    eval_interval: PositiveInt = 1000
    """Evaluate every so many iterations; the end of training is always evaluated."""
    save_interval: PositiveInt | None = None
    """Write `last.pth` every so many iterations; null takes `eval_interval`."""
    keep_last: PositiveInt = 2
    """Saved states kept for `--resume`: `last.pth`, and before it `previous_1.pth` and so on, should it be damaged."""
    keep_interval: PositiveInt | None = None
    """Also keep a `step_N.pth` every so many iterations; null keeps none."""
    log_interval: PositiveInt = 50
    """Write a line of `metrics.jsonl`, `metrics_train.csv` and TensorBoard scalars every so many iterations."""
    image_interval: PositiveInt = 1000
    """Write pictures of input, targets and predictions to TensorBoard every so many iterations."""
    num_workers: NonNegativeInt = 4
    """Processes that prepare batches; 0 prepares them in the training process."""
    cpu_threads: PositiveInt | None = None
    """Threads that compute where the network runs on a CPU; null leaves it to torch, which takes all cores. Where the
    loader processes have as much to do as the network, fewer are faster."""
    max_unreadable: UnitFloat = 0.01
    """Greatest share of samples that may be unreadable, judged once 1000 have been read, before the run stops."""
    max_nonfinite: PositiveInt = 5
    """Iterations in a row whose loss or gradient is not a finite number before the run stops. Each is skipped: nothing
    is learnt from it, and its batch is written to `bad_batches/`. fp16 has 20 more, for its loss scale to settle."""
    optimizer: Literal["adam", "adamw", "adadelta"] = "adam"
    """Adam and Adadelta add `weight_decay` to the gradient, AdamW decouples it. Rates are not alike: 1e-4 to 1e-3 for
    the first two, 1.0 for Adadelta."""
    lr: PositiveFloat = 1e-4
    """Learning rate after the warm-up."""
    weight_decay: NonNegativeFloat = 1e-5
    """Weight decay."""
    schedule: ScheduleName = "step"
    schedule_options: Options = {}
    """Options of a schedule that has some."""
    lr_decay: PositiveInt = 15000
    """Iterations between two steps of the `step` schedule."""
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Factor of each step, and of each plateau."""
    plateau_patience: PositiveInt = 5
    """Evaluations without a new best score after which `plateau` lowers the learning rate."""
    patience: PositiveInt | None = None
    """Evaluations without a new best score after which training ends early; null trains to `end_iter`."""
    warmup_iter: NonNegativeInt = 0
    """Iterations over which the learning rate rises linearly from 0."""
    grad_clip: NonNegativeFloat = 0.0
    """Greatest norm of the gradient; 0 does not clip."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of the exponential moving average of the weights, which is then what is evaluated; 0 keeps none."""

    @model_validator(mode="after")
    def _iterations_are_ordered(self) -> Training:
        if self.st_iter >= self.end_iter:
            raise ValueError(f"st_iter ({self.st_iter}) must be below end_iter ({self.end_iter})")
        return self
