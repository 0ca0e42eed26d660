import subprocess
import sys
import textwrap

import numpy as np
import pytest

from mtlzoo.data.batches import reshuffled_each_epoch, with_cardinality


def test_every_pass_draws_anew():
    calls = []

    def draw():
        calls.append(None)
        return np.arange(3) + 10 * len(calls), np.arange(3)

    dataset = reshuffled_each_epoch(draw, columns=2)
    assert [tuple(map(int, pair)) for pair in dataset] == [(10, 0), (11, 1), (12, 2)]
    assert [int(number) for number, _ in dataset] == [20, 21, 22]


def test_one_column_are_scalars():
    dataset = with_cardinality(reshuffled_each_epoch(lambda: [np.arange(4)]).batch(2), 2)
    assert [batch.numpy().tolist() for batch in dataset] == [[0, 1], [2, 3]]
    assert len(dataset) == 2


def test_no_pass_waits_for_a_tuner_at_its_end():
    assert with_cardinality(reshuffled_each_epoch(lambda: [np.arange(4)]), 4).options().autotune.enabled is False


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="about glibc's memory")
def test_memory_is_not_mapped_block_by_block():
    """TensorFlow has glibc do so for good, in the whole process, where a dataset is made of a Python generator."""
    program = """
        import ctypes
        import numpy as np
        from mtlzoo.data.batches import reshuffled_each_epoch

        class Memory(ctypes.Structure):
            _fields_ = [(name, ctypes.c_size_t) for name in "arena free fast mapped others".split() + list("abcde")]

        library = ctypes.CDLL(None)
        if not hasattr(library, "mallinfo2"):
            raise SystemExit
        library.malloc.restype, library.mallinfo2.restype = ctypes.c_void_p, Memory
        library.malloc.argtypes, library.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
        list(reshuffled_each_epoch(lambda: [np.arange(4)]))
        library.free(library.malloc(30 * 2**20))  # from now on glibc keeps blocks that are smaller
        before = library.mallinfo2().mapped
        library.malloc(2**20)
        assert library.mallinfo2().mapped == before
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
