"""Errors arrive as the objects that were raised, from threads of TensorFlow and from other processes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mtlzoo.errors import ImageError, InputError
from mtlzoo.system.pipeline_errors import PipelineErrors, foreign, plain_errors


def test_an_error_of_another_process_is_itself_again():
    error = pickle.loads(pickle.dumps(foreign(ImageError("it is empty", "a.png"))))
    assert type(error) is ImageError
    assert (error.reason, error.path) == ("it is empty", "a.png")


def test_a_block_raises_what_arrived_in_it():
    def receive():
        arrived = pickle.loads(pickle.dumps(foreign(ImageError("it is empty", "a.png"))))
        raise RuntimeError(f"{arrived} [[node PyFunc]]")

    with pytest.raises(ImageError) as caught, plain_errors():
        receive()
    assert caught.value.path == "a.png"


def test_a_block_raises_what_a_function_of_it_raised():
    def load(row):
        raise ImageError("it is empty", f"{row}.png")

    def as_tensorflow_does():
        try:
            PipelineErrors().keep(load)(3)
        except ImageError as error:
            raise RuntimeError(f"{error} [[node PyFunc]]") from None

    with pytest.raises(ImageError) as caught, plain_errors():
        as_tensorflow_does()
    assert caught.value.path == "3.png"


def test_an_error_that_no_function_raised_stays():
    with pytest.raises(RuntimeError, match="of its own"), plain_errors():
        raise RuntimeError("of its own")


@pytest.mark.slow
def test_workers_of_keras_that_are_processes(tiny_backbone):
    import keras

    import mtlzoo as mtl

    class Batches(keras.utils.PyDataset):
        """Ten batches, one of which is wrong: not one of the first, which are looked at in this process."""

        def __init__(self, wrong):
            super().__init__(workers=1, use_multiprocessing=True)
            self.wrong = wrong

        def __len__(self):
            return 10

        def __getitem__(self, index):
            if index < 8:
                return np.zeros((2, 16, 16, 3), "float32"), {"kind": np.array([0, 1])}
            return self.wrong()

    def unreadable():
        raise ImageError("it is empty", "a.png")

    model = mtl.build(tiny_backbone, {"kind": 2}, (16, 16, 3), weights=None)
    model.compile()
    with pytest.raises(InputError, match="head 'kind', row 1 of a batch: expected an id from 0 to 1"):
        model.evaluate(Batches(lambda: (np.zeros((2, 16, 16, 3), "float32"), {"kind": np.array([0, 7])})), verbose=0)
    with pytest.raises(ImageError) as caught:
        model.evaluate(Batches(unreadable), verbose=0)
    assert caught.value.path == "a.png"
