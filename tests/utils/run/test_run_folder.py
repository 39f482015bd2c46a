"""Nobody's run is overwritten, and a resumed log does not repeat itself."""

from __future__ import annotations

import json

import pytest

from config.errors import UserError
from utils.run.folder import RunFolder
from utils.run.resume import check_same_run, evaluation_changed, flatten


def test_an_older_run_is_not_overwritten_but_can_be_put_aside(tmp_path):
    folder = RunFolder(tmp_path / "exp" / "a")
    folder.check(resume=False, fresh=False)
    folder.make(fresh=False)
    folder.metrics.write_text('{"step": 1}\n')
    with pytest.raises(UserError, match="already holds a run"):
        folder.check(resume=False, fresh=False)
    with pytest.raises(UserError) as caught:
        folder.check(resume=False, fresh=False)
    assert "--resume" not in str(caught.value)  # there is nothing that it could go on from
    folder.last.write_bytes(b"weights")
    with pytest.raises(UserError, match="continue it with --resume"):
        folder.check(resume=False, fresh=False)
    folder.last.unlink()
    folder.check(resume=False, fresh=True)
    folder.make(fresh=True)
    assert not folder.metrics.exists()
    assert (tmp_path / "exp" / "a.old1" / "metrics.jsonl").read_text() == '{"step": 1}\n'


def test_a_run_that_ended_before_its_first_line_is_in_nobodys_way(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.make(fresh=False)
    folder.metrics.touch()
    folder.check(resume=False, fresh=False)


def test_resume_needs_a_run_and_an_unwritable_place_is_said(tmp_path):
    with pytest.raises(UserError, match="no run to continue"):
        RunFolder(tmp_path / "none").check(resume=True, fresh=False)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="choose another results_dir"):
        RunFolder(tmp_path / "file" / "run").check(resume=False, fresh=False)


def test_a_changed_evaluation_is_noticed():
    base = {"test": {"a": {"iou": 0.5}, "b": {}}, "train": {"validation": None}}
    assert not evaluation_changed(base, {**base, "train": {"validation": "a"}})
    assert evaluation_changed(base, {**base, "train": {"validation": "b"}})
    assert evaluation_changed(base, {**base, "test": {"a": {"iou": 0.7}, "b": {}}})
    assert not evaluation_changed(base, {**base, "test": {"a": {"iou": 0.5}}})


def test_what_a_killed_save_left_is_removed(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.make(fresh=False)
    folder.bad_batches.mkdir()
    for place in (folder.root, folder.checkpoints, folder.bad_batches):
        (place / ".any.77.part").write_bytes(b"half")
    folder.make(fresh=False)
    assert not [path for path in folder.root.rglob("*") if path.is_file()]


def test_lines_beyond_the_checkpoint_and_torn_lines_are_forgotten(tmp_path):
    folder = RunFolder(tmp_path)
    lines = [json.dumps({"step": step, "split": "train"}) for step in (10, 20, 30)]
    folder.metrics.write_text("\n".join(lines) + '\n{"step": 4')
    folder.forget_after(20)
    assert [json.loads(line)["step"] for line in folder.metrics.read_text().splitlines()] == [10, 20]


def test_settings_that_make_it_another_run_are_refused(tmp_path):
    before = {"train": {"lr": 1e-4, "end_iter": 10, "data": {"mean": [1, 2]}}, "test": {}}
    longer = {"train": {"lr": 1e-4, "end_iter": 20, "data": {"mean": [1, 2]}}, "test": {"a": {"poly": True}}}
    check_same_run(before, longer, tmp_path)
    moved = {"train": {"datasets": [{"root": "/b"}]}}
    check_same_run({"train": {"datasets": [{"root": "/a"}]}}, moved, tmp_path)
    weak = [{"train": {"weak": {"datasets": [{"root": place, "labels": [place]}]}}} for place in "ab"]
    check_same_run(*weak, tmp_path)
    with pytest.raises(UserError, match=r"train\.weak\.keep_above was 0\.5"):
        check_same_run(*[{"train": {"weak": {"keep_above": value}}} for value in (0.5, 0.9)], tmp_path)
    with pytest.raises(UserError, match="cosine"):
        cosine = [{"train": {"schedule": "cosine", "end_iter": end}} for end in (10, 20)]
        check_same_run(*cosine, tmp_path)
    other = {"train": {"lr": 1e-3, "end_iter": 10, "data": {"mean": [1, 2]}}, "test": {}}
    with pytest.raises(UserError, match=r"train\.lr was 0\.0001 .* is 0\.001 now"):
        check_same_run(before, other, tmp_path)
    assert flatten(before)["train.data.mean.1"] == 2
