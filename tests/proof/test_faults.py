"""What takes minutes: a command on a disk that refuses, in turn, each write that it makes."""

from functools import partial

from runs import check_whole, outcome
from writes import command, refuse_each, watched


def test_a_command_on_a_disk_that_is_full_at_each_write(smoke, tmp_path):
    """About 1,400 writes: each is the first to be refused once, and the next command carries on."""
    out = tmp_path / "out"
    with watched(tmp_path) as disk:
        found = disk.submit(refuse_each, command, out, partial(check_whole, smoke)).result()
    assert len(found) > 1000
    for call, path, _, said in found:
        assert said is not None, f"{call} {path} was refused, and nobody said so"
        assert "no space left while writing " in said and str(out) in said, said
        assert said.endswith("; free some space and start again: what was finished before is kept"), said
    assert outcome(out) == outcome(smoke)
